//! XMP's namespaces and their usual prefixes (Adobe XMP specification, parts 1 and 2; EXIF 2.32 for
//! XMP; IPTC Photo Metadata Standard).

pub(super) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";

const KNOWN: &[(&str, &str)] = &[
    (RDF, "rdf"),
    (XML, "xml"),
    ("adobe:ns:meta/", "x"),
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://ns.adobe.com/xap/1.0/", "xmp"),
    ("http://ns.adobe.com/xap/1.0/rights/", "xmpRights"),
    ("http://ns.adobe.com/xap/1.0/mm/", "xmpMM"),
    ("http://ns.adobe.com/xap/1.0/sType/ResourceEvent#", "stEvt"),
    ("http://ns.adobe.com/xap/1.0/sType/ResourceRef#", "stRef"),
    ("http://ns.adobe.com/xmp/note/", "xmpNote"),
    ("http://ns.adobe.com/photoshop/1.0/", "photoshop"),
    ("http://ns.adobe.com/camera-raw-settings/1.0/", "crs"),
    ("http://ns.adobe.com/tiff/1.0/", "tiff"),
    ("http://ns.adobe.com/exif/1.0/", "exif"),
    ("http://ns.adobe.com/exif/1.0/aux/", "aux"),
    ("http://cipa.jp/exif/1.0/", "exifEX"),
    ("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "Iptc4xmpCore"),
    ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "Iptc4xmpExt"),
    ("http://www.metadataworkinggroup.com/schemas/regions/", "mwg-rs"),
    ("http://ns.microsoft.com/photo/1.0/", "MicrosoftPhoto"),
    ("http://ns.adobe.com/hdr-gain-map/1.0/", "hdrgm"),
    ("http://ns.google.com/photos/1.0/camera/", "GCamera"),
    ("http://ns.google.com/photos/1.0/container/", "Container"),
    ("http://creativecommons.org/ns#", "cc"),
];

/// The name with its namespace's usual prefix; of others with the prefix that the packet has, unless
/// that is the usual one of another, where the namespace itself is the prefix.
pub(super) fn prefixed(namespace: &str, local: &str, written: &str) -> String {
    if let Some((_, prefix)) = KNOWN.iter().find(|(known, _)| *known == namespace) {
        return format!("{prefix}:{local}");
    }
    if written.is_empty() || KNOWN.iter().any(|(_, prefix)| *prefix == written) {
        return format!("{{{namespace}}}{local}");
    }
    format!("{written}:{local}")
}
