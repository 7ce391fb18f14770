// Command extension uses the extension of test/support/ends-extension.ts by the SDK, and prints what it gets.
package main

import (
	"fmt"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
	pulp "pulp-sdk-go"
)

//go:wasmimport pulp ends_ask
func endsAsk(pointer unsafe.Pointer, length uint32) uint32

//go:wasmimport pulp ends_reverse
func endsReverse(pointer unsafe.Pointer, length uint32, pointerOut, lengthOut unsafe.Pointer) uint32

// kept is of the event before.
var kept []byte

func main() {} // never runs: a reactor has no main, but the package needs one

func init() {
	pulp.OnInit(func() error {
		if err := pulp.Call("ends_ask", endsAsk, []byte("agree")); err != nil {
			return err
		}
		fmt.Println("refused:", pulp.Call("ends_ask", endsAsk, []byte("refuse")))
		fmt.Println("empty:", pulp.Call("ends_ask", endsAsk, nil))
		answer, err := pulp.CallForResult("ends_reverse", endsReverse, []byte("Pulp"))
		fmt.Println("answer:", string(answer), err)
		return nil
	})
	pulp.OnEvent("ends.second", func(payload []byte) error {
		var event struct {
			Name string `msgpack:"name"`
		}
		if err := msgpack.Unmarshal(payload, &event); err != nil {
			return err
		}
		fmt.Printf("event: %s, before: %q\n", event.Name, kept)
		kept = payload
		return nil
	})
}
