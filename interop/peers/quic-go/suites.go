package main

import (
	"crypto/tls"
	_ "unsafe" // for linkname
)

// Go lets nobody choose TLS 1.3 cipher suites; these variables are what it would offer, with and without hardware for AES.

//go:linkname offered crypto/tls.defaultCipherSuitesTLS13
var offered []uint16

//go:linkname offeredNoAES crypto/tls.defaultCipherSuitesTLS13NoAES
var offeredNoAES []uint16

func onlyChaCha20() {
	offered = []uint16{tls.TLS_CHACHA20_POLY1305_SHA256}
	offeredNoAES = offered
}
