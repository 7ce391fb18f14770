package pulp

import "unsafe"

// pinned holds what pulp_alloc gave to the host until it is freed: the garbage collector does not see the host's
// pointers and would take the memory back.
var pinned = map[uint32][]byte{}

//go:wasmexport pulp_alloc
func pulpAlloc(size uint32) uint32 {
	if size == 0 {
		return 0
	}
	buffer := make([]byte, size)
	pointer := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(buffer))))
	pinned[pointer] = buffer
	return pointer
}

//go:wasmexport pulp_free
func pulpFree(pointer, _ uint32) { delete(pinned, pointer) }

// at gives the bytes the host wrote behind a pointer from pulp_alloc. They are valid until pulp_free.
func at(pointer, length uint32) []byte {
	buffer := pinned[pointer]
	if uint64(length) > uint64(len(buffer)) {
		return nil
	}
	return buffer[:length]
}

// take gives a result that the host placed in this memory, which from then on is this side's own.
func take(pointer, length uint32) []byte {
	buffer := at(pointer, length)
	delete(pinned, pointer)
	return buffer
}
