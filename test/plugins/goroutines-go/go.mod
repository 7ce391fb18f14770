module pulp/test/goroutines-go

go 1.24
