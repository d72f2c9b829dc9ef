//! Values as the service prints them, which is that of Java's `Double.toString`.

use std::fmt::Write;

/// Appends a value. With `integers`, integral values have no fraction.
pub(crate) fn write(out: &mut String, value: f64, integers: bool) {
    let magnitude = value.abs();
    // Most values are small integers, which need no search for the shortest digits.
    if value.fract() == 0.0 && magnitude < 1e7 && !(value == 0.0 && value.is_sign_negative()) {
        let _ = write!(out, "{}", value as i64);
        if !integers {
            out.push_str(".0");
        }
    } else if integers && value.fract() == 0.0 && magnitude < 9e18 {
        let _ = write!(out, "{}", value as i64);
    } else if value == 0.0 {
        out.push_str("-0.0");
    } else if (1e-3..1e7).contains(&magnitude) {
        let _ = write!(out, "{value}");
    } else {
        write_scientific(out, value);
    }
}

/// Appends `1.0E10` or `1.23E-5`, with at least one digit after the point.
fn write_scientific(out: &mut String, value: f64) {
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    out.push_str(mantissa);
    if !mantissa.contains('.') {
        out.push_str(".0");
    }
    out.push('E');
    out.push_str(exponent);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java(value: f64) -> String {
        let mut out = String::new();
        write(&mut out, value, false);
        out
    }

    #[test]
    fn prints_as_java_does() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1574.0, "1574.0"),
            (-3.0, "-3.0"),
            (0.001, "0.001"),
            (1e-4, "1.0E-4"),
            (0.000_123, "1.23E-4"),
            (29.316_666_666_666_666, "29.316666666666666"),
            (9_999_999.0, "9999999.0"),
            (9_999_999.5, "9999999.5"),
            (1e7, "1.0E7"),
            (1.23e7, "1.23E7"),
            (1_736_948_396_647.0, "1.736948396647E12"),
            (-9.223_372_036_854_776e18, "-9.223372036854776E18"),
            (f64::MAX, "1.7976931348623157E308"),
        ] {
            assert_eq!(java(value), text);
            assert_eq!(java(value).parse(), Ok(value));
        }
    }

    #[test]
    fn prints_integers_if_requested() {
        for (value, text) in [
            (12.0, "12"),
            (0.0, "0"),
            (1.23e7, "12300000"),
            (0.5, "0.5"),
            (1e300, "1.0E300"),
        ] {
            let mut out = String::new();
            write(&mut out, value, true);
            assert_eq!(out, text);
        }
    }
}
