// Stands in for the coredns image of the conformance suites before v1.7: answers every UDP question
// on port 53 with the address of whoever asks.
package main

import (
	"log"
	"net"

	"github.com/miekg/dns"
)

func answer(asker dns.ResponseWriter, question *dns.Msg) {
	reply := new(dns.Msg)
	reply.SetReply(question)
	host, _, err := net.SplitHostPort(asker.RemoteAddr().String())
	if ip := net.ParseIP(host).To4(); err == nil && ip != nil && len(question.Question) > 0 {
		name := question.Question[0].Name
		header := dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET}
		reply.Answer = append(reply.Answer, &dns.A{Hdr: header, A: ip})
		log.Println("answered", name, "to", asker.RemoteAddr())
	}
	if err := asker.WriteMsg(reply); err != nil {
		log.Println(err)
	}
}

func main() {
	log.Fatal(dns.ListenAndServe(":53", "udp", dns.HandlerFunc(answer)))
}
