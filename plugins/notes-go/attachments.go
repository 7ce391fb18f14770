package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	pulp "pulp-sdk-go"
)

const (
	maxName  = 100
	maxFiles = 20
)

// attachmentPolicy lets a file that opens in a browser after all do nothing there.
const attachmentPolicy = "default-src 'none'; sandbox"

func folderOf(found *note) string { return fmt.Sprintf("notes/%d", found.ID) }

func listFiles(_ *pulp.Request, found *note) *pulp.Response {
	entries, err := entriesOf(found)
	if err != nil {
		return broken("list files", err)
	}
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name)
	}
	return answer(200, names)
}

// entriesOf gives a note's attachments. A note that never had one has no folder.
func entriesOf(found *note) ([]pulp.FileEntry, error) {
	entries, err := pulp.ListFiles(folderOf(found))
	if pulp.IsNotFound(err) {
		return nil, nil
	}
	return entries, err
}

func writeFile(request *pulp.Request, found *note) *pulp.Response {
	name := request.Params["name"]
	if !isName(name) {
		return badName()
	}
	entries, err := entriesOf(found)
	if err != nil {
		return broken("list files", err)
	}
	replaces := false
	for _, entry := range entries {
		replaces = replaces || entry.Name == name
	}
	if !replaces && len(entries) >= maxFiles {
		return failure(409, fmt.Sprintf("a note has at most %d files", maxFiles))
	}
	if err := pulp.WriteFile(folderOf(found)+"/"+name, request.Body); err != nil {
		var host *pulp.HostError
		if errors.As(err, &host) && host.Code == 5 {
			return failure(507, "there is no room for it")
		}
		return broken("write file", err)
	}
	if replaces {
		return done()
	}
	return answer(201, map[string]string{"name": name})
}

func readFile(request *pulp.Request, found *note) *pulp.Response {
	name := request.Params["name"]
	if !isName(name) {
		return badName()
	}
	bytes, err := pulp.ReadFile(folderOf(found) + "/" + name)
	if pulp.IsNotFound(err) {
		return failure(404, "there is no such file")
	}
	if err != nil {
		return broken("read file", err)
	}
	response := guarded(&pulp.Response{Body: bytes})
	response.Headers["Content-Type"] = "application/octet-stream"
	response.Headers["Content-Disposition"] = "attachment"
	response.Headers["Content-Security-Policy"] = attachmentPolicy
	return response
}

func deleteFile(request *pulp.Request, found *note) *pulp.Response {
	name := request.Params["name"]
	if !isName(name) {
		return badName()
	}
	err := pulp.DeleteFile(folderOf(found) + "/" + name)
	if pulp.IsNotFound(err) {
		return failure(404, "there is no such file")
	}
	if err != nil {
		return broken("delete file", err)
	}
	return done()
}

// isName says whether a name may become a file's. The host keeps paths within the plugin's folder; that a note's
// attachment stays within its note is this plugin's own care.
func isName(name string) bool {
	characters := utf8.RuneCountInString(name)
	return characters > 0 && characters <= maxName && len(name) <= 255 && utf8.ValidString(name) &&
		!strings.HasPrefix(name, ".") && !strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || r == '/' || r == '\\'
	})
}

func badName() *pulp.Response {
	return failure(400, fmt.Sprintf("a file's name has 1 to %d characters, no slashes, and no dot in front", maxName))
}
