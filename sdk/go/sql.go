package pulp

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// SQLResult is what a statement changed.
type SQLResult struct {
	RowsAffected int64 `msgpack:"rows_affected"`
	LastInsertID int64 `msgpack:"last_insert_id"`
}

// SQLRows is what a query gave. Values are int64, float64, string, []byte, time.Time or nil.
type SQLRows struct {
	Columns []string `msgpack:"columns"`
	Rows    [][]any  `msgpack:"rows"`
}

//go:wasmimport pulp sqlite_exec
func sqliteExec(
	query unsafe.Pointer, length uint32, params unsafe.Pointer, paramsLength uint32,
	result, resultLength unsafe.Pointer,
) uint32

//go:wasmimport pulp sqlite_query
func sqliteQuery(
	query unsafe.Pointer, length uint32, params unsafe.Pointer, paramsLength uint32,
	result, resultLength unsafe.Pointer,
) uint32

//go:wasmimport pulp sqlite_error
func sqliteError(result, resultLength unsafe.Pointer) uint32

// SQLExec runs statements on the plugin's own database: every one in the text.
func SQLExec(query string, args ...any) (SQLResult, error) {
	var result SQLResult
	return result, sql("sqlite_exec", sqliteExec, query, args, &result)
}

// SQLQuery runs statements and gives the rows of the last one.
func SQLQuery(query string, args ...any) (*SQLRows, error) {
	rows := &SQLRows{}
	return rows, sql("sqlite_query", sqliteQuery, query, args, rows)
}

func sql(
	name string,
	call func(unsafe.Pointer, uint32, unsafe.Pointer, uint32, unsafe.Pointer, unsafe.Pointer) uint32,
	query string, args []any, answer any,
) error {
	given := []byte(query)
	var params []byte
	if len(args) > 0 {
		encoded, err := msgpack.Marshal(args)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		params = encoded
	}
	var result struct{ pointer, length uint32 }
	code := call(
		pointerTo(given), uint32(len(given)), pointerTo(params), uint32(len(params)),
		unsafe.Pointer(&result.pointer), unsafe.Pointer(&result.length),
	)
	runtime.KeepAlive(given)
	runtime.KeepAlive(params)
	if code != 0 {
		return &HostError{Call: name, Code: code, Detail: sqlErrorText(code)}
	}
	if err := msgpack.Unmarshal(take(result.pointer, result.length), answer); err != nil {
		return fmt.Errorf("%s: decode the answer: %w", name, err)
	}
	return nil
}

// sqlErrorText is what SQLite says of the statement that just failed.
func sqlErrorText(code uint32) string {
	if code != codeFailed {
		return ""
	}
	var result struct{ pointer, length uint32 }
	if sqliteError(unsafe.Pointer(&result.pointer), unsafe.Pointer(&result.length)) != 0 {
		return ""
	}
	return string(take(result.pointer, result.length))
}
