package config

// Places in the values of the products' charts.
const (
	// APIMConfigurations is where the API Manager chart keeps what goes into deployment.toml.
	APIMConfigurations = "wso2.apim.configurations."
	// APIMExtraConfigs and ISExtraConfigs are text that the charts put into deployment.toml as it is.
	APIMExtraConfigs = APIMConfigurations + "extraConfigs"
	ISExtraConfigs   = "deploymentToml.extraConfigs"
)

// StoreNames are the key stores of both products, as their charts name them.
func StoreNames() []string { return []string{"tls", "primary", "internal"} }
