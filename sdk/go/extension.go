package pulp

import (
	"runtime"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// Import is a function of an extension that takes bytes and answers with a code:
//
//	//go:wasmimport pulp demo_greet
//	func demoGreet(pointer unsafe.Pointer, length uint32) uint32
type Import func(pointer unsafe.Pointer, length uint32) uint32

// ImportWithResult is one that gives bytes, too:
//
//	//go:wasmimport pulp visits_add
//	func visitsAdd(pointer unsafe.Pointer, length uint32, pointerOut, lengthOut unsafe.Pointer) uint32
type ImportWithResult func(pointer unsafe.Pointer, length uint32, pointerOut, lengthOut unsafe.Pointer) uint32

// Call hands bytes to a function of an extension. A code other than 0 is a *HostError; name is the import's.
func Call(name string, function Import, given []byte) error {
	code := function(pointerTo(given), uint32(len(given)))
	runtime.KeepAlive(given)
	return check(name, code)
}

// CallForResult does the same with a function that gives bytes. They are the plugin's to keep.
func CallForResult(name string, function ImportWithResult, given []byte) ([]byte, error) {
	return ask(name, function, given)
}

// OnEvent handles the events of a kind that the SDK does not know, such as cron.tick. The payload is MessagePack: decode
// it into a struct with msgpack tags. It may be kept. A kind has one handler, the last.
func OnEvent(kind string, handle func(payload []byte) error) {
	events[kind] = func(payload msgpack.RawMessage) error { return handle(append([]byte(nil), payload...)) }
}
