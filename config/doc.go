// Package config says what an environment and the service settings are: types, defaults, validation and loading.
package config
