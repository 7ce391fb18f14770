// Command sqldriver-go works with its database as Go programs do: through database/sql. Each route runs one of the
// checks and answers with what failed, or with nothing.
package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	pulp "pulp-sdk-go"
	"pulp-sdk-go/sqldriver"
)

var db = sqldriver.Open()

func init() {
	pulp.OnInit(func() error {
		_, err := db.Exec("CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY, name TEXT UNIQUE, at DATETIME)")
		return err
	})
	for name, check := range map[string]func() error{
		"values":       values,
		"nulls":        nulls,
		"transactions": transactions,
		"prepared":     prepared,
		"failures":     failures,
		"registered":   registered,
	} {
		pulp.Handle("POST /check/"+name, func(*pulp.Request) *pulp.Response {
			if err := check(); err != nil {
				return &pulp.Response{Status: 500, Body: []byte(err.Error())}
			}
			return pulp.Text("fine")
		})
	}
	pulp.Handle("GET /count", func(*pulp.Request) *pulp.Response {
		var count int
		if err := db.QueryRow("SELECT count(*) FROM things").Scan(&count); err != nil {
			return &pulp.Response{Status: 500, Body: []byte(err.Error())}
		}
		return pulp.Text(fmt.Sprint(count))
	})
}

func main() {} // never runs: a reactor has no main, but the package needs one

func values() error {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	_, err := db.Exec("CREATE TABLE kinds (i INTEGER, r REAL, t TEXT, b BLOB, d DATETIME, y BOOLEAN)")
	if err != nil {
		return err
	}
	_, err = db.Exec("INSERT INTO kinds VALUES (?, ?, ?, ?, ?, ?)", int64(math.MinInt64), 1.0, "héllo", []byte{0, 255}, at, true)
	if err != nil {
		return err
	}
	var (
		i     int64
		r     float64
		t     string
		b     []byte
		d     time.Time
		y     bool
		types string
	)
	row := db.QueryRow("SELECT *, typeof(i) || typeof(r) || typeof(t) || typeof(b) || typeof(d) FROM kinds")
	if err := row.Scan(&i, &r, &t, &b, &d, &y, &types); err != nil {
		return err
	}
	if i != math.MinInt64 || r != 1 || t != "héllo" || !bytes.Equal(b, []byte{0, 255}) || !d.Equal(at) || !y {
		return fmt.Errorf("came back as %v %v %v %v %v %v", i, r, t, b, d, y)
	}
	if types != "integerrealtextblobtext" {
		return fmt.Errorf("stored as %s", types)
	}
	return nil
}

func nulls() error {
	var text sql.NullString
	var number sql.NullInt64
	if err := db.QueryRow("SELECT NULL, ?", nil).Scan(&text, &number); err != nil {
		return err
	}
	if text.Valid || number.Valid {
		return errors.New("NULL is not null")
	}
	if err := db.QueryRow("SELECT 1 WHERE 0").Scan(&number); !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("no rows are %v", err)
	}
	return nil
}

func transactions() error {
	before := count()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO things (name) VALUES (?), (?)", "gone 1", "gone 2"); err != nil {
		return err
	}
	if err := tx.Rollback(); err != nil {
		return err
	}
	if after := count(); after != before {
		return fmt.Errorf("%d rows after a rollback, %d before", after, before)
	}
	tx, err = db.Begin()
	if err != nil {
		return err
	}
	result, err := tx.Exec("INSERT INTO things (name, at) VALUES (?, ?)", fmt.Sprint("kept ", before), time.Now())
	if err != nil {
		return err
	}
	id, _ := result.LastInsertId()
	affected, _ := result.RowsAffected()
	if id < 1 || affected != 1 {
		return fmt.Errorf("id %d, %d rows", id, affected)
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if after := count(); after != before+1 {
		return fmt.Errorf("%d rows after a commit, %d before", after, before)
	}
	return nil
}

func prepared() error {
	statement, err := db.Prepare("SELECT value FROM json_each(?) WHERE value >= ? ORDER BY value")
	if err != nil {
		return err
	}
	defer statement.Close()
	for least := range 3 {
		rows, err := statement.Query("[0, 1, 2, 3]", least)
		if err != nil {
			return err
		}
		columns, err := rows.Columns()
		if err != nil || strings.Join(columns, ",") != "value" {
			return fmt.Errorf("columns %v, %w", columns, err)
		}
		next := int64(least)
		for rows.Next() {
			var found int64
			if err := rows.Scan(&found); err != nil {
				return err
			}
			if found != next {
				return fmt.Errorf("found %d where %d was expected", found, next)
			}
			next++
		}
		if err := rows.Err(); err != nil || next != 4 {
			return fmt.Errorf("ended at %d: %w", next, err)
		}
	}
	return nil
}

func failures() error {
	_, err := db.Exec("SELECT * FROM nowhere")
	var host *pulp.HostError
	if !errors.As(err, &host) || host.Code != 5 || !strings.Contains(host.Detail, "no such table: nowhere") {
		return fmt.Errorf("an unknown table is %v", err)
	}
	if _, err := db.Exec("INSERT OR REPLACE INTO things (name) VALUES (?)", "twice"); err != nil {
		return err
	}
	if _, err := db.Exec("INSERT INTO things (name) VALUES (?)", "twice"); err == nil ||
		!strings.Contains(err.Error(), "UNIQUE") {
		return fmt.Errorf("a name given twice is %v", err)
	}
	if _, err := db.Exec("SELECT ?, ?", 1); err == nil {
		return errors.New("a missing argument is no error")
	}
	if _, err := db.Exec("ATTACH DATABASE '/tmp/other' AS other"); err == nil {
		return errors.New("another file can be attached")
	}
	return nil
}

func registered() error {
	other, err := sql.Open("pulp", "")
	if err != nil {
		return err
	}
	defer other.Close()
	return other.Ping()
}

func count() int {
	var count int
	if err := db.QueryRow("SELECT count(*) FROM things").Scan(&count); err != nil {
		return -1
	}
	return count
}
