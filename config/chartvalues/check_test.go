package chartvalues_test

// Where problems of values are.
const (
	is   = "identityServer.values."
	apim = "apiManager.values."
)
