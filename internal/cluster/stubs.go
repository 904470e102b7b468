package cluster

import "context"

// WaitOption sharpens the diagnosis of a wait.
type WaitOption func(*waitOptions)
type waitOptions struct{}
type GatewayStatus struct {
	Address    string `json:"address,omitempty"`
	Programmed bool   `json:"programmed"`
	Reason     string `json:"reason,omitempty"`
}

func (c *Client) WaitDeployment(ctx context.Context, namespace, name string, progress func(string), options ...WaitOption) error {
	return nil
}
func (c *Client) DiagnoseJob(ctx context.Context, namespace, name string) error { return nil }
func (c *Client) WaitGateway(ctx context.Context, namespace, name string, progress func(string)) (GatewayStatus, error) {
	return GatewayStatus{}, nil
}
func (c *Client) WaitRoutes(ctx context.Context, namespace string, names []string, progress func(string)) error {
	return nil
}
