use std::fmt;

/// Wraps a value that identifies a person or their network (names, addresses) so that formatting it shows nothing.
///
/// Log fields hold `Pii`; only code that must use the value calls [`Pii::expose`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the value to code that needs it; never to a formatter of logs.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl<T> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatting_reveals_nothing() {
        let address = Pii::new("192.0.2.7:4444");
        assert_eq!(format!("{address} {address:?}"), "<redacted> <redacted>");
        assert_eq!(*address.expose(), "192.0.2.7:4444");
    }
}
