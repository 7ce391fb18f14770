// Package sqldriver is a database/sql driver for the plugin's own database:
//
//	db, err := sql.Open("pulp", "")
//
// There is one database and one connection: transactions of one *sql.DB follow one another. Import it for its
// effect only where database/sql is wanted; pulp.SQLQuery does with less.
package sqldriver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	pulp "pulp-sdk-go"
)

func init() { sql.Register("pulp", connector{}) }

// Open gives the plugin's database, with the one connection that there is.
func Open() *sql.DB {
	db := sql.OpenDB(connector{})
	db.SetMaxOpenConns(1)
	return db
}

type connector struct{}

func (connector) Open(string) (driver.Conn, error)             { return &connection{}, nil }
func (connector) Connect(context.Context) (driver.Conn, error) { return &connection{}, nil }
func (c connector) Driver() driver.Driver                      { return c }

type connection struct{}

var (
	_ driver.ExecerContext  = (*connection)(nil)
	_ driver.QueryerContext = (*connection)(nil)
	_ driver.ConnBeginTx    = (*connection)(nil)
)

func (c *connection) Close() error { return nil }

func (c *connection) Prepare(query string) (driver.Stmt, error) {
	// The host keeps prepared statements by their text.
	return statement{query}, nil
}

func (c *connection) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *connection) BeginTx(_ context.Context, options driver.TxOptions) (driver.Tx, error) {
	if isolation := sql.IsolationLevel(options.Isolation); isolation != sql.LevelDefault &&
		isolation != sql.LevelSerializable {
		return nil, fmt.Errorf("isolation level %v: SQLite has serializable transactions only", isolation)
	}
	begin := "BEGIN IMMEDIATE"
	if options.ReadOnly {
		begin = "BEGIN"
	}
	_, err := pulp.SQLExec(begin)
	return transaction{}, err
}

func (c *connection) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	values, err := positional(args)
	if err != nil {
		return nil, err
	}
	return exec(query, values)
}

func (c *connection) QueryContext(_ context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	values, err := positional(args)
	if err != nil {
		return nil, err
	}
	return read(query, values)
}

type transaction struct{}

func (transaction) Commit() error {
	_, err := pulp.SQLExec("COMMIT")
	return err
}

func (transaction) Rollback() error {
	_, err := pulp.SQLExec("ROLLBACK")
	return err
}

type statement struct{ query string }

func (statement) Close() error { return nil }

// NumInput leaves the count to SQLite.
func (statement) NumInput() int { return -1 }

func (s statement) Exec(args []driver.Value) (driver.Result, error) {
	return exec(s.query, plain(args))
}

func (s statement) Query(args []driver.Value) (driver.Rows, error) { return read(s.query, plain(args)) }

func exec(query string, args []any) (driver.Result, error) {
	done, err := pulp.SQLExec(query, args...)
	return result{done}, err
}

type result struct{ done pulp.SQLResult }

func (r result) LastInsertId() (int64, error) { return r.done.LastInsertID, nil }
func (r result) RowsAffected() (int64, error) { return r.done.RowsAffected, nil }

func read(query string, args []any) (driver.Rows, error) {
	found, err := pulp.SQLQuery(query, args...)
	if err != nil {
		return nil, err
	}
	return &rows{found: found}, nil
}

type rows struct {
	found *pulp.SQLRows
	next  int
}

func (r *rows) Columns() []string { return r.found.Columns }
func (r *rows) Close() error      { return nil }

func (r *rows) Next(into []driver.Value) error {
	if r.next >= len(r.found.Rows) {
		return io.EOF
	}
	for index, value := range r.found.Rows[r.next] {
		into[index] = value
	}
	r.next++
	return nil
}

var errNamed = errors.New("named arguments are not supported: use ? and order")

func positional(args []driver.NamedValue) ([]any, error) {
	values := make([]any, len(args))
	for _, arg := range args {
		if arg.Name != "" {
			return nil, errNamed
		}
		values[arg.Ordinal-1] = arg.Value
	}
	return values, nil
}

func plain(args []driver.Value) []any {
	values := make([]any, len(args))
	for index, value := range args {
		values[index] = value
	}
	return values
}
