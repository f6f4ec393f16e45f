//! The one provider of cryptography for TLS.

/// Lets every TLS client of this process use ring. Wanted before the first one is made; again does no harm.
pub fn use_ring() {
    // An error says that one is installed already, which is this one: there is no other in the graph.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
