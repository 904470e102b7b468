package carbon

import (
	"fmt"
	"strconv"
	"strings"
)

// A Config is a deployment.toml whose references are resolved. Paths are the dotted names of its keys.
type Config struct {
	tree map[string]any
}

// Has says whether anything is at path.
func (c *Config) Has(path string) bool { return c.at(path) != nil }

// String is the value at path as text, or fallback.
func (c *Config) String(path, fallback string) string {
	return text(c.at(path), fallback)
}

// Int is the number at path, also when it is written as text, or fallback.
func (c *Config) Int(path string, fallback int) int {
	number, err := strconv.Atoi(c.String(path, ""))
	if err != nil {
		return fallback
	}
	return number
}

// Bool is the truth at path, also when it is written as text.
func (c *Config) Bool(path string) bool {
	return strings.EqualFold(c.String(path, ""), "true")
}

// Tables are the elements of the array of tables at path.
func (c *Config) Tables(path string) []Table {
	list, _ := c.at(path).([]any)
	var tables []Table
	for _, element := range list {
		if table, ok := element.(map[string]any); ok {
			tables = append(tables, table)
		}
	}
	return tables
}

// Resolve replaces the ${…} that Carbon servers replace when they use a value.
func (c *Config) Resolve(value string) string {
	return strings.NewReplacer(
		"${admin.username}", c.String("super_admin.username", "admin"),
		"${admin.password}", c.String("super_admin.password", "admin"),
		"${mgt.transport.https.port}", strconv.Itoa(9443+c.Int("server.offset", 0)),
		"${carbon.management.port}", strconv.Itoa(9443+c.Int("server.offset", 0)),
		"${carbon.protocol}", "https",
		"${carbon.host}", c.String("server.hostname", "localhost"),
	).Replace(value)
}

func (c *Config) at(path string) any {
	var value any = c.tree
	for _, key := range strings.Split(path, ".") {
		table, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = table[key]
	}
	return value
}

// A Table is one element of an array of tables.
type Table map[string]any

// String is the value of key as text, or "".
func (t Table) String(key string) string { return text(t[key], "") }

// Table is the sub-table at key, nil if there is none.
func (t Table) Table(key string) Table {
	table, _ := t[key].(map[string]any)
	return table
}

func text(value any, fallback string) string {
	switch value := value.(type) {
	case string:
		return value
	case bool, int64, float64:
		return fmt.Sprint(value)
	}
	return fallback
}
