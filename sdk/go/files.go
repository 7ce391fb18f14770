package pulp

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// FileEntry is a file or folder in a list.
type FileEntry struct {
	Name     string `msgpack:"name"`
	IsFolder bool   `msgpack:"is_dir"`
}

//go:wasmimport pulp fs_read
func fsRead(path unsafe.Pointer, length uint32, result, resultLength unsafe.Pointer) uint32

//go:wasmimport pulp fs_write
func fsWrite(path unsafe.Pointer, length uint32, data unsafe.Pointer, dataLength uint32) uint32

//go:wasmimport pulp fs_delete
func fsDelete(path unsafe.Pointer, length uint32) uint32

//go:wasmimport pulp fs_list
func fsList(path unsafe.Pointer, length uint32, result, resultLength unsafe.Pointer) uint32

//go:wasmimport pulp fs_remove_all
func fsRemoveAll(path unsafe.Pointer, length uint32) uint32

// ReadFile gives a file of the plugin's own folder. IsNotFound tells that it is not there.
func ReadFile(path string) ([]byte, error) { return ask("fs_read", fsRead, []byte(path)) }

// WriteFile replaces a file in one step and makes the folders on the way. What it has written stays.
func WriteFile(path string, data []byte) error {
	given := []byte(path)
	code := fsWrite(pointerTo(given), uint32(len(given)), pointerTo(data), uint32(len(data)))
	runtime.KeepAlive(given)
	runtime.KeepAlive(data)
	return check("fs_write", code)
}

// DeleteFile deletes a file or an empty folder.
func DeleteFile(path string) error { return named("fs_delete", fsDelete, path) }

// RemoveAll deletes a file or a folder and all in it. Nothing there is no error.
func RemoveAll(path string) error { return named("fs_remove_all", fsRemoveAll, path) }

// ListFiles gives what is in a folder; "" is the plugin's own.
func ListFiles(path string) ([]FileEntry, error) {
	bytes, err := ask("fs_list", fsList, []byte(path))
	if err != nil {
		return nil, err
	}
	var entries []FileEntry
	if err := msgpack.Unmarshal(bytes, &entries); err != nil {
		return nil, fmt.Errorf("fs_list: decode the answer: %w", err)
	}
	return entries, nil
}

func named(name string, call func(unsafe.Pointer, uint32) uint32, path string) error {
	given := []byte(path)
	code := call(pointerTo(given), uint32(len(given)))
	runtime.KeepAlive(given)
	return check(name, code)
}
