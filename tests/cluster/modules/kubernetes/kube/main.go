// Command kube is every Kubernetes server component in one binary: the first argument names one.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var components = []struct {
	name    string
	command func() *cobra.Command
}{
	{"kube-apiserver", apiserver.NewAPIServerCommand},
	{"kube-controller-manager", controllers.NewControllerManagerCommand},
	{"kube-scheduler", func() *cobra.Command { return scheduler.NewSchedulerCommand() }},
	{"kube-proxy", proxy.NewProxyCommand},
	{"kubelet", func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }},
}

func main() {
	names := make([]string, len(components))
	for i, each := range components {
		names[i] = each.name
	}
	if len(os.Args) < 2 || !slices.Contains(names, os.Args[1]) {
		fmt.Fprintf(os.Stderr, "usage: kube (%s) [flags]\n", strings.Join(names, "|"))
		os.Exit(2)
	}
	chosen := components[slices.Index(names, os.Args[1])]
	os.Args = os.Args[1:]
	os.Exit(cli.Run(chosen.command()))
}
