package main

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// Route is what http_register takes.
type Route struct {
	Method string `msgpack:"method"`
	Path   string `msgpack:"path"`
}

// Request is the payload of an http.request event. Fields of newer hosts are passed over.
type Request struct {
	ID      uint64            `msgpack:"id"`
	Method  string            `msgpack:"method"`
	Path    string            `msgpack:"path"`
	Params  map[string]string `msgpack:"params"`
	Query   map[string]string `msgpack:"query"`
	Headers map[string]string `msgpack:"headers"`
	Body    []byte            `msgpack:"body"`
}

// Response is what http_respond takes.
type Response struct {
	ID      uint64            `msgpack:"id"`
	Status  int               `msgpack:"status"`
	Headers map[string]string `msgpack:"headers"`
	Body    []byte            `msgpack:"body"`
}

// stepEvent is what a step is about. This plugin gets requests only; one that gets other kinds too reads the kind
// first, with a msgpack.RawMessage for the payload.
type stepEvent struct {
	Kind    string  `msgpack:"kind"`
	Payload Request `msgpack:"payload"`
}

//go:wasmimport pulp http_register
func httpRegister(pointer unsafe.Pointer, length uint32) uint32

//go:wasmimport pulp http_respond
func httpRespond(pointer unsafe.Pointer, length uint32) uint32

// decodeRequest gives the request in a step's payload; nil for events of another kind.
func decodeRequest(payload []byte) (*Request, error) {
	var event stepEvent
	if err := msgpack.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("decode step event: %w", err)
	}
	if event.Kind != "http.request" {
		return nil, nil
	}
	return &event.Payload, nil
}

func register(route Route) error {
	return send("http_register", httpRegister, route)
}

func respond(response *Response) error {
	return send("http_respond", httpRespond, response)
}

// send encodes a message and hands it to a host import; a code other than 0 becomes an error.
func send(name string, call func(unsafe.Pointer, uint32) uint32, message any) error {
	encoded, err := msgpack.Marshal(message)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	code := call(unsafe.Pointer(unsafe.SliceData(encoded)), uint32(len(encoded)))
	runtime.KeepAlive(encoded)
	if code != 0 {
		return fmt.Errorf("%s: the host answered with code %d", name, code)
	}
	return nil
}
