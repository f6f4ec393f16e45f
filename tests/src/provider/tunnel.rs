//! The way to the rest of the world, for programs that are told of a proxy: here the world is the rig, and its names
//! are played with certificates of an authority of its own.

use super::server::locked;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use std::{
    io,
    sync::{Arc, Mutex},
};
use tempfile::{NamedTempFile, TempPath};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// A proxy for TLS (RFC 9110, section 9.3.6) that leads names to servers of the rig, and every other name nowhere.
pub struct Tunnel {
    proxy: String,
    authority: TempPath,
    refused: Arc<Mutex<Vec<String>>>,
}

impl Tunnel {
    /// Starts it; each name is played by the server at the address beside it.
    pub async fn start(names: &[(&'static str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = format!("http://{}", listener.local_addr().expect("bound"));
        let (tls, authority) = identity(names);
        let refused = Arc::new(Mutex::new(Vec::new()));
        let names: Arc<Vec<_>> = Arc::new(
            names
                .iter()
                .map(|(name, base)| {
                    let address = base.trim_start_matches("http://").to_owned();
                    (format!("CONNECT {name}:443 "), address)
                })
                .collect(),
        );
        let refuses = Arc::clone(&refused);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (names, tls, refuses) = (Arc::clone(&names), tls.clone(), Arc::clone(&refuses));
                // An error is a client that went away.
                tokio::spawn(async move { lead(client, &names, &tls, &refuses).await.is_ok() });
            }
        });
        Self {
            proxy,
            authority,
            refused,
        }
    }

    /// What tells a program to go this way and to believe the certificates there.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 2] {
        [
            ("HTTPS_PROXY", self.proxy.clone()),
            ("SSL_CERT_FILE", self.authority.display().to_string()),
        ]
    }

    /// What else somebody wanted to reach.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        locked(&self.refused).clone()
    }
}

async fn lead(
    mut client: TcpStream,
    names: &[(String, String)],
    tls: &TlsAcceptor,
    refused: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let Some((_, address)) = names.iter().find(|(begin, _)| head.starts_with(begin)) else {
        locked(refused).push(head);
        return client.write_all(b"HTTP/1.1 403 Nowhere\r\n\r\n").await;
    };
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    let mut client = tls.accept(client).await?;
    let mut server = TcpStream::connect(address).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// A certificate for the names, and the file that holds its authority's.
fn identity(names: &[(&'static str, &str)]) -> (TlsAcceptor, TempPath) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("a certificate");
    let issuer = Issuer::new(params, key);
    let names = names.iter().map(|(name, _)| (*name).to_owned());
    let mut params = CertificateParams::new(names.collect::<Vec<_>>()).expect("names");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate)],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        );
    let file = NamedTempFile::new().expect("a file").into_temp_path();
    std::fs::write(&file, authority.pem()).expect("written");
    let config = config.expect("key and certificate fit");
    (TlsAcceptor::from(Arc::new(config)), file)
}
