// Command notes-go is plugins/notes in Go: a notebook with attachments, on database/sql.
package main

import (
	_ "embed"
	"fmt"
	"html"
	"log"
	"strconv"
	"strings"

	pulp "pulp-sdk-go"
)

//go:embed page.html
var page string

//go:embed notes.js
var script []byte

// policy lets the page load and send nothing but what this plugin serves, whatever markup might slip in.
const policy = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; " +
	"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

var config = struct {
	Title string `msgpack:"title"`
}{Title: "Notes"}

func init() {
	pulp.OnInit(func() error {
		if err := pulp.Config(&config); err != nil {
			return err
		}
		return openStore()
	})
	pulp.Handle("GET /", func(*pulp.Request) *pulp.Response {
		text := strings.ReplaceAll(page, "{{title}}", html.EscapeString(config.Title))
		response := guarded(pulp.HTML([]byte(text)))
		response.Headers["Content-Security-Policy"] = policy
		return response
	})
	pulp.Handle("GET /notes.js", func(*pulp.Request) *pulp.Response {
		return guarded(&pulp.Response{
			Headers: map[string]string{"Content-Type": "text/javascript; charset=utf-8"},
			Body:    script,
		})
	})
	pulp.Handle("GET /notes", listNotes)
	pulp.Handle("POST /notes", createNote)
	pulp.Handle("GET /notes/:id", withNote(func(_ *pulp.Request, found *note) *pulp.Response {
		return answer(200, found)
	}))
	pulp.Handle("PUT /notes/:id", withNote(updateNote))
	pulp.Handle("DELETE /notes/:id", withNote(deleteNote))
	pulp.Handle("GET /notes/:id/files", withNote(listFiles))
	pulp.Handle("PUT /notes/:id/files/:name", withNote(writeFile))
	pulp.Handle("GET /notes/:id/files/:name", withNote(readFile))
	pulp.Handle("DELETE /notes/:id/files/:name", withNote(deleteFile))
}

func main() {} // never runs: a reactor has no main, but the package needs one

// withNote finds the note that a request is about.
func withNote(handle func(*pulp.Request, *note) *pulp.Response) func(*pulp.Request) *pulp.Response {
	return func(request *pulp.Request) *pulp.Response {
		found, err := findNote(noteID(request.Params["id"]))
		if err != nil {
			return broken("find", err)
		}
		if found == nil {
			return failure(404, "there is no such note")
		}
		return handle(request, found)
	}
}

// noteID gives the id that a text says; 0, which no note has, when it says none.
func noteID(text string) int64 {
	id, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0
	}
	return int64(id)
}

// guarded makes an answer what its type says, and nobody keeps it.
func guarded(response *pulp.Response) *pulp.Response {
	if response.Headers == nil {
		response.Headers = map[string]string{}
	}
	response.Headers["X-Content-Type-Options"] = "nosniff"
	response.Headers["Cache-Control"] = "no-store"
	return response
}

func answer(status int, value any) *pulp.Response { return guarded(pulp.JSON(status, value)) }

func done() *pulp.Response { return guarded(&pulp.Response{Status: 204}) }

func failure(status int, reason string) *pulp.Response {
	return answer(status, map[string]string{"error": reason})
}

// broken tells the operator what went wrong, and the client that it did.
func broken(what string, err error) *pulp.Response {
	log.Print(fmt.Sprintf("notes: %s: %v", what, err))
	return failure(500, "the storage failed")
}
