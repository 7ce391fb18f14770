package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	pulp "pulp-sdk-go"
	"pulp-sdk-go/sqldriver"
)

const (
	maxTitle  = 200
	maxText   = 100_000
	maxSearch = 200
	pageSize  = 50
)

// Ids are never used twice: the attachments of a note that is gone must not become another's.
const schema = `
CREATE TABLE IF NOT EXISTS notes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  created DATETIME NOT NULL,
  changed DATETIME NOT NULL
)`

const columns = "id, title, text, created, changed"

var db = sqldriver.Open()

type note struct {
	ID      int64     `json:"id"`
	Title   string    `json:"title"`
	Text    string    `json:"text"`
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`
}

type draft struct {
	Title *string `json:"title"`
	Text  string  `json:"text"`
}

func openStore() error {
	_, err := db.Exec(schema)
	return err
}

// findNote gives a note, or nil when there is none.
func findNote(id int64) (*note, error) {
	found, err := scan(db.QueryRow("SELECT "+columns+" FROM notes WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return found, err
}

func listNotes(request *pulp.Request) *pulp.Response {
	search := request.Query["search"]
	if utf8.RuneCountInString(search) > maxSearch {
		return failure(400, fmt.Sprintf("a search has at most %d characters", maxSearch))
	}
	rows, err := db.Query(
		"SELECT "+columns+" FROM notes WHERE (?1 = 0 OR id < ?1)"+
			` AND (title LIKE ?2 ESCAPE '\' OR text LIKE ?2 ESCAPE '\') ORDER BY id DESC LIMIT ?3`,
		noteID(request.Query["before"]), "%"+literal(search)+"%", pageSize+1,
	)
	if err != nil {
		return broken("list", err)
	}
	defer rows.Close()
	notes := []*note{}
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return broken("list", err)
		}
		notes = append(notes, one)
	}
	more := len(notes) > pageSize
	return answer(200, map[string]any{"notes": notes[:min(len(notes), pageSize)], "more": more})
}

func createNote(request *pulp.Request) *pulp.Response {
	wanted, refused := draftOf(request)
	if refused != nil {
		return refused
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	result, err := db.Exec(
		"INSERT INTO notes (title, text, created, changed) VALUES (?, ?, ?, ?)", *wanted.Title, wanted.Text, now, now,
	)
	if err != nil {
		return broken("create", err)
	}
	id, err := result.LastInsertId()
	if err != nil {
		return broken("create", err)
	}
	response := answer(201, note{id, *wanted.Title, wanted.Text, now, now})
	response.Headers["Location"] = fmt.Sprintf("/notes/%d", id)
	return response
}

func updateNote(request *pulp.Request, found *note) *pulp.Response {
	wanted, refused := draftOf(request)
	if refused != nil {
		return refused
	}
	found.Title, found.Text, found.Changed = *wanted.Title, wanted.Text, time.Now().UTC().Truncate(time.Millisecond)
	_, err := db.Exec(
		"UPDATE notes SET title = ?, text = ?, changed = ? WHERE id = ?",
		found.Title, found.Text, found.Changed, found.ID,
	)
	if err != nil {
		return broken("update", err)
	}
	return answer(200, found)
}

func deleteNote(_ *pulp.Request, found *note) *pulp.Response {
	if _, err := db.Exec("DELETE FROM notes WHERE id = ?", found.ID); err != nil {
		return broken("delete", err)
	}
	// What stays behind is out of reach: no other note gets its id.
	if err := pulp.RemoveAll(folderOf(found)); err != nil {
		return broken("delete files", err)
	}
	return done()
}

// draftOf gives what a client wants a note to be, or the answer that says why it cannot.
func draftOf(request *pulp.Request) (draft, *pulp.Response) {
	var wanted draft
	// A form on another site can send anything but this without the browser asking us first.
	if !strings.HasPrefix(strings.ToLower(request.Headers["Content-Type"]), "application/json") {
		return wanted, failure(415, "the Content-Type must be application/json")
	}
	if err := json.Unmarshal(request.Body, &wanted); err != nil || wanted.Title == nil {
		return wanted, failure(400, `a note is {"title": "…", "text": "…"}`)
	}
	*wanted.Title = strings.TrimSpace(*wanted.Title)
	if length := utf8.RuneCountInString(*wanted.Title); length == 0 || length > maxTitle {
		return wanted, failure(400, fmt.Sprintf("a title has 1 to %d characters", maxTitle))
	}
	if utf8.RuneCountInString(wanted.Text) > maxText {
		return wanted, failure(400, fmt.Sprintf("a text has at most %d characters", maxText))
	}
	return wanted, nil
}

func scan(row interface{ Scan(...any) error }) (*note, error) {
	var one note
	err := row.Scan(&one.ID, &one.Title, &one.Text, &one.Created, &one.Changed)
	one.Created, one.Changed = one.Created.UTC(), one.Changed.UTC()
	return &one, err
}

// literal gives a text as LIKE finds it, letter for letter.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)
}
