package keymanager

// A Scope of an API, with the roles it is bound to.
type Scope struct {
	Name        string   `json:"name"`
	DisplayName string   `json:"displayName"`
	Description string   `json:"description"`
	Bindings    []string `json:"bindings"`
}

// Display is what people see of the scope.
func (s Scope) Display() string {
	if s.DisplayName != "" {
		return s.DisplayName
	}
	return s.Name
}
