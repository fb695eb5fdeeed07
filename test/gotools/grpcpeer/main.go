// grpcpeer is a gRPC server and a gRPC client in Go, for tests: the cases that the gRPC project
// gives to its own implementations, and a server with reflection for tools.
//
//	grpcpeer serve [-cert FILE -key FILE]             prints the port of 127.0.0.1 that it listens on
//	grpcpeer call [-ca FILE -name NAME] HOST:PORT     runs every case, prints the names of those done
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/reflection"
)

var (
	flags = flag.NewFlagSet("grpcpeer", flag.ExitOnError)
	crt   = flags.String("cert", "", "certificate of the server")
	key   = flags.String("key", "", "its key")
	ca    = flags.String("ca", "", "whom the client trusts; plain text without it")
	name  = flags.String("name", "", "the name that the client asks for")
)

func serve() error {
	var options []grpc.ServerOption
	if *crt != "" {
		secured, err := credentials.NewServerTLSFromFile(*crt, *key)
		if err != nil {
			return err
		}
		options = append(options, grpc.Creds(secured))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(options...)
	grpc_testing.RegisterTestServiceServer(server, interop.NewTestServer())
	reflection.Register(server)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

func call(target string) error {
	secured := insecure.NewCredentials()
	if *ca != "" {
		var err error
		if secured, err = credentials.NewClientTLSFromFile(*ca, *name); err != nil {
			return err
		}
	}
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(secured))
	if err != nil {
		return err
	}
	defer connection.Close()
	client := grpc_testing.NewTestServiceClient(connection)
	type test func(context.Context, grpc_testing.TestServiceClient, ...grpc.CallOption)
	cases := []struct {
		name string
		run  test
	}{
		{"empty_unary", interop.DoEmptyUnaryCall},
		{"large_unary", interop.DoLargeUnaryCall},
		{"client_streaming", interop.DoClientStreaming},
		{"server_streaming", interop.DoServerStreaming},
		{"ping_pong", interop.DoPingPong},
		{"empty_stream", interop.DoEmptyStream},
		{"custom_metadata", interop.DoCustomMetadata},
		{"status_code_and_message", interop.DoStatusCodeAndMessage},
		{"special_status_message", interop.DoSpecialStatusMessage},
		{"timeout_on_sleeping_server", interop.DoTimeoutOnSleepingServer},
		{"cancel_after_begin", interop.DoCancelAfterBegin},
		{"cancel_after_first_response", interop.DoCancelAfterFirstResponse},
	}
	context, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, one := range cases {
		one.run(context, client) // ends the process with a message when the case fails
		fmt.Println(one.name)
	}
	interop.DoUnimplementedMethod(context, connection)
	fmt.Println("unimplemented_method")
	interop.DoUnimplementedService(context, grpc_testing.NewUnimplementedServiceClient(connection))
	fmt.Println("unimplemented_service")
	return nil
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: grpcpeer serve|call [flags] [HOST:PORT]")
	}
	flags.Parse(os.Args[2:])
	var err error
	if os.Args[1] == "serve" {
		err = serve()
	} else {
		err = call(flags.Arg(0))
	}
	if err != nil {
		log.Fatal(err)
	}
}
