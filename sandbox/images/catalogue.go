package images

import (
	"fmt"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const userHome = "/home/wso2carbon"

// catalogue lists the simulated images. Users, layout, environment and ports are those of the products' images
// (wso2/docker-is, wso2/docker-apim, envoyproxy/gateway, envoyproxy/envoy).
func catalogue() []spec {
	return []spec{
		{
			name: "wso2/wso2is:7.2.0", program: "wso2is", product: "WSO2 Identity Server 7.2.0", oci: true,
			platforms: []string{"linux/amd64", "linux/arm64"},
			layers: func(p string) [][]file {
				return [][]file{java("Temurin 21", p, 3<<20, 802), identityServer()}
			},
			config: wso2Config("wso2carbon", userHome+"/wso2is-7.2.0", 4000, 9763, 9443),
		},
		{
			name: "wso2/wso2am:4.7.0", program: "wso2am", product: "WSO2 API Manager 4.7.0",
			platforms: []string{"linux/amd64"},
			layers: func(p string) [][]file {
				return [][]file{java("Temurin 25", p, 1<<20, 10001), apiManager()}
			},
			config: wso2Config("10001", userHome+"/wso2am-4.7.0", 9763, 9443, 9999, 11111, 8280, 8243, 5672, 9711, 9611, 9099),
		},
		gateway("1.7", "1.37"), envoy("1.7", "1.37"),
		gateway("1.9", "1.39"), envoy("1.9", "1.39"),
		workload(),
	}
}

// workload is the simulated Envoy under a name that never is the real one: it starts, runs and becomes ready with nothing around it.
func workload() spec {
	s := envoy("", "")
	s.name, s.real, s.product = "lockstep/program:1", "", "a program"
	return s
}

// gateway is the controller of a release, which works with that of Envoy.
func gateway(release, proxy string) spec {
	version := "v" + release + ".0"
	return spec{
		name: "envoyproxy/gateway:" + version, program: "envoy-gateway", real: "envoy-gateway-" + release + " envoy-" + proxy, product: "Envoy Gateway " + version,
		platforms: []string{"linux/amd64"},
		layers:    func(string) [][]file { return [][]file{distroless(), {placeholder("/usr/local/bin/envoy-gateway")}} },
		config:    v1.Config{User: "65532:65532", Entrypoint: []string{"/usr/local/bin/envoy-gateway"}, WorkingDir: "/"},
	}
}

// envoy is the proxy of a release of the gateway.
func envoy(release, proxy string) spec {
	version := proxy + ".0"
	return spec{
		name: "envoyproxy/envoy:distroless-v" + version, program: "envoy", real: "envoy-" + proxy + " envoy-gateway-" + release, product: "Envoy " + version,
		platforms: []string{"linux/amd64"},
		layers:    func(string) [][]file { return [][]file{distroless(), {placeholder("/usr/local/bin/envoy")}} },
		config: v1.Config{
			User: "65532", Entrypoint: []string{"/usr/local/bin/envoy"}, Cmd: []string{"-c", "/etc/envoy/envoy.yaml"},
			ExposedPorts: map[string]struct{}{"10000/tcp": {}}, WorkingDir: "/",
		},
	}
}

func wso2Config(user, serverHome string, ports ...int) v1.Config {
	exposed := map[string]struct{}{}
	for _, port := range ports {
		exposed[fmt.Sprintf("%d/tcp", port)] = struct{}{}
	}
	return v1.Config{
		User: user, WorkingDir: userHome, Entrypoint: []string{userHome + "/docker-entrypoint.sh"}, ExposedPorts: exposed,
		Env: []string{
			"PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"LANG=en_US.UTF-8",
			"JAVA_HOME=/opt/java/openjdk",
			"WORKING_DIRECTORY=" + userHome,
			"WSO2_SERVER_HOME=" + serverHome,
		},
	}
}

// java is the base below a product: users, a shell's worth of directories and a runtime of some size.
func java(release, platform string, size, owner int) []file {
	return []file{
		{path: "/etc/"},
		{path: "/etc/passwd", content: fmt.Appendf(nil, "root:x:0:0:root:/root:/bin/bash\nwso2carbon:x:%d:%d::%s:/bin/bash\n", owner, owner, userHome)},
		{path: "/etc/group", content: fmt.Appendf(nil, "root:x:0:\nwso2:x:%d:\n", owner)},
		{path: "/opt/java/openjdk/bin/"},
		placeholder("/opt/java/openjdk/bin/java"),
		{path: "/opt/java/openjdk/lib/"},
		{path: "/opt/java/openjdk/lib/modules", content: filler(release+" "+platform, size)},
		{path: "/opt/java/openjdk/release", content: []byte("IMPLEMENTOR=\"simulated " + release + "\"\n")},
		{path: "/tmp/", mode: 0o1777},
	}
}

func distroless() []file {
	return []file{
		{path: "/etc/"},
		{path: "/etc/passwd", content: []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
		{path: "/etc/group", content: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{path: "/tmp/", mode: 0o1777},
	}
}

func identityServer() []file {
	home := userHome + "/wso2is-7.2.0"
	files := server(home, 802, "wso2server.sh")
	for _, jar := range []string{"repository/components/lib/dnsjava-3.6.1.jar", "repository/components/dropins/kubernetes-membership-scheme-1.0.8.jar"} {
		files = append(files, owned(802, placeholder(path.Join(home, jar))))
	}
	return append(files, file{path: home + "/repository/deployment/server/userstores/", owner: 802})
}

func apiManager() []file {
	home := userHome + "/wso2am-4.7.0"
	return append(server(home, 10001, "api-manager.sh"),
		file{path: home + "/repository/database/", owner: 10001},
		// The entrypoint copies this one and stops if it is not there.
		owned(10001, placeholder(home+"/repository/database/WSO2CARBON_DB.mv.db")),
		file{path: userHome + "/solr/", owner: 10001},
		file{path: userHome + "/solr/database/", owner: 10001},
		file{path: userHome + "/solr/indexed-data/", owner: 10001},
		file{path: userHome + "/wso2-tmp/", owner: 10001},
	)
}

// server is the layout that both products have.
func server(home string, owner int, script string) []file {
	files := []file{
		{path: "/home/"},
		{path: userHome + "/", owner: owner},
		{path: userHome + "/.java/", owner: owner},
		{path: userHome + "/.java/.systemPrefs/", owner: owner},
		{path: userHome + "/.java/.userPrefs/", owner: owner},
		owned(owner, placeholder(userHome+"/docker-entrypoint.sh")),
	}
	for _, folder := range []string{
		"", "bin", "repository", "repository/components", "repository/components/dropins", "repository/components/lib",
		"repository/components/plugins", "repository/conf", "repository/conf/identity", "repository/deployment",
		"repository/deployment/server", "repository/deployment/server/webapps", "repository/logs", "repository/resources",
		"repository/resources/security",
	} {
		files = append(files, file{path: path.Join(home, folder) + "/", owner: owner})
	}
	return append(files,
		owned(owner, placeholder(path.Join(home, "bin", script))),
		file{path: home + "/repository/conf/deployment.toml", owner: owner, content: []byte("# Simulated: the chart mounts its own.\n")},
	)
}

// placeholder stands for an executable or a library of the product.
func placeholder(path string) file {
	return file{path: path, mode: 0o755, content: []byte("#!/bin/sh\necho 'simulated: the Lockstep sandbox runs a program of its own in place of this' >&2\nexit 1\n")}
}

func owned(owner int, f file) file {
	f.owner = owner
	return f
}
