package pulp

import (
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"strings"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// Request is a request to one of the plugin's routes.
type Request struct {
	ID         uint64            `msgpack:"id"`
	Method     string            `msgpack:"method"`
	Path       string            `msgpack:"path"`
	RawPath    string            `msgpack:"raw_path"`
	Query      map[string]string `msgpack:"query"`
	Headers    map[string]string `msgpack:"headers"`
	Body       []byte            `msgpack:"body"`
	Host       string            `msgpack:"host"`
	RemoteAddr string            `msgpack:"remote_addr"`
	// Params is what the pattern's :name and *name took.
	Params map[string]string `msgpack:"params"`
}

// Response is what a client gets. Status 0 means 200.
type Response struct {
	ID      uint64            `msgpack:"id"`
	Status  int               `msgpack:"status"`
	Headers map[string]string `msgpack:"headers"`
	Body    []byte            `msgpack:"body"`
}

type route struct {
	method   string
	segments []string
	handle   func(*Request) *Response
}

var routes []route

//go:wasmimport pulp http_register
func httpRegister(pointer unsafe.Pointer, length uint32) uint32

//go:wasmimport pulp http_respond
func httpRespond(pointer unsafe.Pointer, length uint32) uint32

// Handle registers a route, such as "GET /notes/:id" or "GET /files/*path". It panics when the host refuses it:
// the capability is not declared, or another plugin has the route. A handler that gives nil answers with 500.
func Handle(pattern string, handle func(*Request) *Response) {
	method, path, found := strings.Cut(pattern, " ")
	if !found {
		panic(fmt.Sprintf("pulp.Handle: %q is no pattern such as \"GET /path\"", pattern))
	}
	message := struct {
		Method string `msgpack:"method"`
		Path   string `msgpack:"path"`
	}{method, path}
	if err := send("http_register", httpRegister, message); err != nil {
		panic(fmt.Sprintf("pulp.Handle: %s: %v", pattern, err))
	}
	events["http.request"] = serve
	routes = append(routes, route{strings.ToUpper(method), strings.Split(path, "/"), handle})
}

func serve(payload msgpack.RawMessage) error {
	var request Request
	if err := msgpack.Unmarshal(payload, &request); err != nil {
		return fmt.Errorf("decode request: %w", err)
	}
	response := answer(&request)
	if response == nil {
		response = &Response{Status: 500, Body: []byte("no answer\n")}
	}
	response.ID = request.ID
	return send("http_respond", httpRespond, response)
}

// answer runs a handler. One that panics costs its client 500, and nobody else anything.
func answer(request *Request) (response *Response) {
	defer func() {
		if fault := recover(); fault != nil {
			log.Printf("%s %s: panic: %v", request.Method, request.Path, fault)
			response = &Response{Status: 500, Body: []byte("internal error\n")}
		}
	}()
	path := request.RawPath
	if path == "" {
		path = request.Path
	}
	segments := strings.Split(path, "/")
	for _, one := range routes {
		// The host sends HEAD to the route of GET when there is none of its own.
		method := one.method == request.Method || (request.Method == "HEAD" && one.method == "GET")
		if method && matches(one.segments, segments) {
			return one.handle(request)
		}
	}
	return &Response{Status: 404, Body: []byte("not found\n")}
}

func matches(pattern, segments []string) bool {
	for index, part := range pattern {
		if strings.HasPrefix(part, "*") && index == len(pattern)-1 {
			return len(segments) >= index
		}
		if index >= len(segments) {
			return false
		}
		if strings.HasPrefix(part, ":") {
			continue
		}
		if decoded, err := url.PathUnescape(segments[index]); err != nil || decoded != part {
			return false
		}
	}
	return len(pattern) == len(segments)
}

// Text answers with plain text.
func Text(text string) *Response { return typed("text/plain; charset=utf-8", []byte(text)) }

// HTML answers with a page.
func HTML(page []byte) *Response { return typed("text/html; charset=utf-8", page) }

// JSON answers with a value as encoding/json writes it.
func JSON(status int, value any) *Response {
	body, err := json.Marshal(value)
	if err != nil {
		log.Print("encode JSON: ", err)
		return &Response{Status: 500, Body: []byte("internal error\n")}
	}
	response := typed("application/json", body)
	response.Status = status
	return response
}

func typed(contentType string, body []byte) *Response {
	return &Response{Status: 200, Headers: map[string]string{"Content-Type": contentType}, Body: body}
}
