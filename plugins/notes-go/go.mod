module pulp/notes-go

go 1.24

require (
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	pulp-sdk-go v0.0.0
)

replace pulp-sdk-go => ../../sdk/go
