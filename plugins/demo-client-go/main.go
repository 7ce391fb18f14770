// Command demo-client uses an extension, in Go: at its start it has the host greet whoever its config names.
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o build/demo-client-go.wasm .
package main

import (
	"unsafe"

	pulp "pulp-sdk-go"
)

// Of the extension pulp-ext-demo: greets in the log.
//
//go:wasmimport pulp demo_greet
func demoGreet(pointer unsafe.Pointer, length uint32) uint32

func main() {} // never runs: a reactor has no main, but the package needs one

func init() {
	pulp.OnInit(func() error {
		config := struct {
			Name string `msgpack:"name"`
		}{Name: "World"}
		if err := pulp.Config(&config); err != nil {
			return err
		}
		return pulp.Call("demo_greet", demoGreet, []byte(config.Name))
	})
}
