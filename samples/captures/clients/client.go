// client NAME ADDRESS [NAME ADDRESS]...: one HTTPS request to each with Go's net/http; secrets go to $SSLKEYLOGFILE.
package main

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	keys, err := os.OpenFile(os.Getenv("SSLKEYLOGFILE"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	for i := 1; i+1 < len(os.Args); i += 2 {
		name, address := os.Args[i], os.Args[i+1]
		transport := &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, KeyLogWriter: keys},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, "8443"))
			},
		}
		response, err := (&http.Client{Transport: transport}).Get("https://" + name + ":8443/")
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		transport.CloseIdleConnections()
	}
}
