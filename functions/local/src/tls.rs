//! HTTPS on this machine: an authority of our own, and a certificate that it signs at each start.

use crate::data::DataFolder;
use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints,
};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer};
use shared::time::Timestamp;
use std::{net::Ipv6Addr, sync::Arc, time::Duration};
use time::OffsetDateTime;

/// The authority's certificate, for browsers and `curl --cacert`.
pub(crate) const CA_FILE: &str = "tls/ca.pem";
const CA_KEY_FILE: &str = "tls/ca-key.pem";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What browsers accept at most of a server's certificate, less a day.
const CERTIFICATE_LASTS: Duration = Duration::from_secs(397 * 24 * 60 * 60);
const CA_LASTS: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, with a certificate for `localhost`.
pub(crate) fn server_config(data: &DataFolder) -> anyhow::Result<Arc<ServerConfig>> {
    let issuer = authority(data)?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = named("CRM on this machine");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    lasting(&mut params, CERTIFICATE_LASTS)?;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The authority of the data folder, made on the first start. It can vouch for this machine's names only, so that
/// trusting it in a browser gives nobody power over other sites.
fn authority(data: &DataFolder) -> anyhow::Result<Issuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("CRM's authority for this machine");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
                Ipv6Addr::LOCALHOST.octets(),
                128,
            )),
        ],
        excluded_subtrees: Vec::new(),
    });
    lasting(&mut params, CA_LASTS)?;
    let key = match (data.read(CA_KEY_FILE)?, data.read(CA_FILE)?) {
        (Some(key), Some(_)) => KeyPair::from_pem(&key).with_context(|| {
            format!(
                "{} is not a private key; remove the folder tls to make a new authority",
                data.path(CA_KEY_FILE).display()
            )
        })?,
        _ => {
            let key = KeyPair::generate()?;
            data.write(CA_KEY_FILE, &key.serialize_pem())?;
            data.write(CA_FILE, &params.self_signed(&key)?.pem())?;
            key
        }
    };
    Ok(Issuer::new(params, key))
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn lasting(params: &mut CertificateParams, lasts: Duration) -> anyhow::Result<()> {
    let now = Timestamp::now();
    params.not_before = OffsetDateTime::from_unix_timestamp(now.minus(DAY).seconds())?;
    params.not_after = OffsetDateTime::from_unix_timestamp(now.plus(lasts).seconds())? - DAY;
    Ok(())
}
