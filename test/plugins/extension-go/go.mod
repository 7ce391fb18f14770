module pulp/extension-go

go 1.24

require (
	github.com/vmihailenco/msgpack/v5 v5.4.1
	pulp-sdk-go v0.0.0
)

require github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect

replace pulp-sdk-go => ../../../sdk/go
