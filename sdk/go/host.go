package pulp

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// The codes of host imports.
const (
	codeEmpty      = 1
	codeDecode     = 3
	codeRefused    = 4
	codeFailed     = 5
	codeNotFound   = 6
	codeUndeclared = 99
)

// HostError is a call that the host did not carry out.
type HostError struct {
	// Call is the host import, such as fs_read.
	Call string
	Code uint32
	// Detail says more where the host does, as for SQL.
	Detail string
}

func (e *HostError) Error() string {
	text := map[uint32]string{
		codeEmpty:      "nothing was given",
		codeDecode:     "the host cannot decode what it was given",
		codeRefused:    "refused",
		codeFailed:     "failed",
		codeNotFound:   "not found",
		codeUndeclared: "the capability is not declared in the manifest",
	}[e.Code]
	if e.Detail != "" {
		text = e.Detail
	}
	// Extensions have codes of their own.
	if text == "" {
		return fmt.Sprintf("%s: code %d", e.Call, e.Code)
	}
	return fmt.Sprintf("%s: %s (code %d)", e.Call, text, e.Code)
}

// IsNotFound says whether an error is that of a file that is not there.
func IsNotFound(err error) bool {
	var host *HostError
	return errors.As(err, &host) && host.Code == codeNotFound
}

func check(call string, code uint32) error {
	if code == 0 {
		return nil
	}
	return &HostError{Call: call, Code: code}
}

// pointerTo gives bytes to a host import. They MUST be kept alive until it returns.
func pointerTo(bytes []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(bytes)) }

// send hands an encoded message to a host import that answers with a code alone.
func send(name string, call func(unsafe.Pointer, uint32) uint32, message any) error {
	encoded, err := msgpack.Marshal(message)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	code := call(pointerTo(encoded), uint32(len(encoded)))
	runtime.KeepAlive(encoded)
	return check(name, code)
}

// ask hands bytes to a host import that answers with bytes.
func ask(
	name string,
	call func(unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer) uint32,
	given []byte,
) ([]byte, error) {
	// Both words are shared with the host, which allocates between looking at them and writing to them.
	var result struct{ pointer, length uint32 }
	code := call(
		pointerTo(given), uint32(len(given)),
		unsafe.Pointer(&result.pointer), unsafe.Pointer(&result.length),
	)
	runtime.KeepAlive(given)
	if err := check(name, code); err != nil {
		return nil, err
	}
	return take(result.pointer, result.length), nil
}

// askFor is ask with an encoded message, and an answer that is decoded.
func askFor(
	name string,
	call func(unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer) uint32,
	message, answer any,
) error {
	encoded, err := msgpack.Marshal(message)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	bytes, err := ask(name, call, encoded)
	if err != nil {
		return err
	}
	if err := msgpack.Unmarshal(bytes, answer); err != nil {
		return fmt.Errorf("%s: decode the answer: %w", name, err)
	}
	return nil
}
