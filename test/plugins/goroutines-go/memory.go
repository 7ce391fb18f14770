package main

import "unsafe"

// held keeps what pulp_alloc gave to the host from the garbage collector, until pulp_free.
var held = map[uint32][]byte{}

//go:wasmexport pulp_alloc
func pulpAlloc(size uint32) uint32 {
	buffer := make([]byte, size)
	pointer := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(buffer))))
	held[pointer] = buffer
	return pointer
}

//go:wasmexport pulp_free
func pulpFree(pointer, _ uint32) {
	delete(held, pointer)
}

func at(pointer, length uint32) []byte {
	return held[pointer][:length]
}
