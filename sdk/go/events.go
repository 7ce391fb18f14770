package pulp

import (
	"fmt"
	"unsafe"
)

// EventStream is a path whose GET requests become server-sent event streams.
type EventStream struct{ path string }

// Event is one event for all subscribers of a stream. ID and Name may be empty.
type Event struct {
	ID   string
	Name string
	Data string
}

//go:wasmimport pulp sse_register
func sseRegister(pointer unsafe.Pointer, length uint32) uint32

//go:wasmimport pulp sse_emit
func sseEmit(pointer unsafe.Pointer, length uint32) uint32

// HandleEvents makes a path an event stream. It panics when the host refuses it.
func HandleEvents(path string) *EventStream {
	given := []byte(path)
	if err := check("sse_register", sseRegister(pointerTo(given), uint32(len(given)))); err != nil {
		panic(fmt.Sprintf("pulp.HandleEvents: %s: %v", path, err))
	}
	return &EventStream{path}
}

// Emit sends an event to everyone who listens at this moment.
func (s *EventStream) Emit(event Event) error {
	return send("sse_emit", sseEmit, struct {
		Path  string `msgpack:"path"`
		ID    string `msgpack:"id"`
		Event string `msgpack:"event"`
		Data  string `msgpack:"data"`
	}{s.path, event.ID, event.Name, event.Data})
}
