package pulp

import (
	"time"
	"unsafe"
)

// FetchRequest is an HTTP request that the plugin makes. An empty method is GET, a timeout of 0 the host's own.
type FetchRequest struct {
	Method  string            `msgpack:"method"`
	URL     string            `msgpack:"url"`
	Headers map[string]string `msgpack:"headers"`
	Body    []byte            `msgpack:"body"`
	Timeout time.Duration     `msgpack:"timeout"`
}

// FetchResponse is what a server answered, redirects followed.
type FetchResponse struct {
	Status  int               `msgpack:"status"`
	Headers map[string]string `msgpack:"headers"`
	Body    []byte            `msgpack:"body"`
}

//go:wasmimport pulp http_fetch
func httpFetch(pointer unsafe.Pointer, length uint32, result, resultLength unsafe.Pointer) uint32

// Fetch makes a request and waits for the whole answer; other plugins go on meanwhile. Any status is an answer,
// an error is a request that got none.
func Fetch(request FetchRequest) (*FetchResponse, error) {
	response := &FetchResponse{}
	if err := askFor("http_fetch", httpFetch, request, response); err != nil {
		return nil, err
	}
	return response, nil
}
