//! `parse_pem` returns fewer certificates than a file has, and no error.

use ureq::tls::parse_pem;

fn main() {
    let whole = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let cases = [
        ("whole", whole.to_owned()),
        ("four dashes before BEGIN", whole.replacen('-', "", 1)),
        ("a blank before BEGIN", format!(" {whole}")),
        ("a byte order mark before BEGIN", format!("\u{feff}{whole}")),
    ];
    println!("expected: 2 certificates, or an error");
    for (name, damaged) in cases {
        let mut found = 0;
        let mut errors = 0;
        for item in parse_pem(format!("{damaged}{whole}").as_bytes()) {
            match item {
                Ok(_) => found += 1,
                Err(_) => errors += 1,
            }
        }
        println!("found with {name}: {found} certificates, {errors} errors");
    }
}
