package config

// API is the REST API that `lockstep serve` answers.
type API struct {
	// AccessFile says who may do what. Without one nobody may.
	AccessFile string `mapstructure:"accessFile"`
}
