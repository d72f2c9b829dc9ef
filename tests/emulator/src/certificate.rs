//! The server's certificate and its authority, created at start.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The certificate of an emulator.
///
/// A client that trusts [`Emulator::ca_pem`](crate::Emulator::ca_pem) accepts
/// [`Good`](Self::Good) and rejects all others.
///
/// # Example
///
/// ```
/// use confluent_metrics_emulator::{Certificate, Emulator};
///
/// let emulator = Emulator::builder().certificate(Certificate::Expired).start();
/// # let _ = emulator;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// Valid, for `localhost` and `127.0.0.1`, signed by the authority.
    #[default]
    Good,
    /// For another host.
    WrongHost,
    /// Expired.
    Expired,
    /// Valid from 2049 on.
    NotYetValid,
    /// Signed by itself.
    SelfSigned,
    /// Signed by an authority that is not [`Emulator::ca_pem`](crate::Emulator::ca_pem).
    UnknownAuthority,
}

/// The names in the certificate.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// Returns the TLS configuration, and the certificate of the authority in PEM.
pub(crate) fn server_config(
    kind: Certificate,
    tls12_only: bool,
) -> Result<(Arc<ServerConfig>, String), Box<dyn std::error::Error>> {
    let (authority, authority_pem) = new_authority("Metrics emulator authority")?;
    let key = KeyPair::generate()?;
    let leaf = leaf(kind)?;
    let certificate = match kind {
        Certificate::SelfSigned => leaf.self_signed(&key)?,
        Certificate::UnknownAuthority => {
            leaf.signed_by(&key, &new_authority("Unknown authority")?.0)?
        }
        _ => leaf.signed_by(&key, &authority)?,
    };

    // The process may have another default provider, or none.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = if tls12_only {
        &[&rustls::version::TLS12]
    } else {
        rustls::DEFAULT_VERSIONS
    };
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), authority_pem))
}

/// Creates an authority, and returns its certificate in PEM.
fn new_authority(name: &str) -> Result<(Issuer<'static, KeyPair>, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = params(Vec::new(), name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key)?;
    Ok((Issuer::new(params, key), pem(certificate.der())))
}

fn leaf(kind: Certificate) -> Result<CertificateParams, rcgen::Error> {
    let names = match kind {
        Certificate::WrongHost => vec!["elsewhere.invalid".to_owned()],
        _ => NAMES.map(str::to_owned).to_vec(),
    };
    let mut leaf = params(names, "Metrics emulator")?;
    match kind {
        Certificate::Expired => leaf.not_after = rcgen::date_time_ymd(2020, 12, 31),
        Certificate::NotYetValid => leaf.not_before = rcgen::date_time_ymd(2049, 1, 1),
        _ => {}
    }
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Strict verifiers, such as Python's, require it.
    leaf.use_authority_key_identifier_extension = true;
    Ok(leaf)
}

fn params(names: Vec<String>, common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    Ok(params)
}

fn pem(der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (place, letter) in encoded.chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}
