//! Asks the local network what is behind names under `.local`, which browsers give in the place of their addresses.
//!
//! One query for all names of a moment (RFC 6762 §5.1), from each interface, for the system knows but one of them as the way to a multicast
//! group. It wishes for an answer to its own port (§5.4), but Chromium answers to the group all the same: so the group is listened to, beside
//! other programs of this machine that do. Who answers proves nothing thereby: whatever comes is a candidate that ICE checks.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, UdpSocket as StdSocket},
    time::Duration,
};

use futures_util::future::join_all;
use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};
use tokio::{
    net::UdpSocket,
    select,
    time::{sleep, timeout},
};

use crate::config::{DATAGRAM_BYTES_MAX, MDNS_MAX, MDNS_NAMES_MAX, MDNS_RECORDS_MAX};

/// No limit: where mDNS listens (RFC 6762 §3).
const GROUP: (Ipv4Addr, u16) = (Ipv4Addr::new(224, 0, 0, 251), 5353);
/// No limit: an IPv4 address (RFC 1035 §3.2.2).
const TYPE_A: u16 = 1;
/// No limit: an IPv6 address (RFC 3596 §2.1).
const TYPE_AAAA: u16 = 28;
/// No limit: the internet's class, with the bit of RFC 6762 §5.4.
const CLASS_UNICAST: u16 = 0x8001;
/// No limit: the longest label (RFC 1035 §2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// The addresses of `names`, as far as somebody tells within [`MDNS_MAX`]; asked from each of our IPv4 addresses.
pub(super) async fn resolve(names: &[String], from: &[Ipv4Addr]) -> BTreeMap<String, IpAddr> {
    let names = &names[..names.len().min(MDNS_NAMES_MAX)];
    let mut found = BTreeMap::new();
    let Some(query) = query(names) else { return found };
    let asked = from.iter().map(|address| ask(&query, names, *address));
    for answers in join_all(asked).await {
        found.extend(answers);
    }
    found
}

/// Asks from one address. Ends as soon as all is known.
async fn ask(query: &[u8], names: &[String], from: Ipv4Addr) -> BTreeMap<String, IpAddr> {
    let mut found = BTreeMap::new();
    let asking = async {
        let own = UdpSocket::bind((from, 0)).await?;
        // Where the group cannot be listened to, some answer to us alone.
        let group = match listen(from) {
            Ok(group) => Some(group),
            Err(error) => {
                tracing::debug!(%error, %from, "the group of mDNS cannot be listened to");
                None
            }
        };
        own.send_to(query, GROUP).await?;
        let (mut to_us, mut to_all) = ([0; DATAGRAM_BYTES_MAX], [0; DATAGRAM_BYTES_MAX]);
        while !names.iter().all(|name| found.contains_key(name)) {
            let message = select! {
                came = own.recv_from(&mut to_us) => came.map(|(length, _)| &to_us[..length]),
                came = receive(group.as_ref(), &mut to_all) => came.map(|length| &to_all[..length]),
            };
            match message {
                Ok(message) => found.extend(answers(message, names)),
                // A refusal of one host: others may answer.
                Err(_) => sleep(Duration::from_millis(1)).await,
            }
        }
        Ok::<_, io::Error>(())
    };
    if let Ok(Err(error)) = timeout(MDNS_MAX, asking).await {
        tracing::debug!(%error, %from, "the local network cannot be asked for a name");
    }
    found
}

/// A socket that hears what is said to the group, beside others that do.
fn listen(on: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &SocketAddrV4::new(GROUP.0, GROUP.1))?;
    let socket = StdSocket::from(socket);
    socket.set_nonblocking(true)?;
    socket.join_multicast_v4(&GROUP.0, &on)?;
    UdpSocket::from_std(socket)
}

/// The next message to the group; never without a socket.
async fn receive(group: Option<&UdpSocket>, buffer: &mut [u8]) -> io::Result<usize> {
    match group {
        Some(group) => group.recv(buffer).await,
        None => std::future::pending().await,
    }
}

/// A query for both kinds of addresses; `None` for what is no name.
fn query(names: &[String]) -> Option<Vec<u8>> {
    let questions = u16::try_from(names.len() * 2).ok()?;
    let mut bytes = vec![0; 12];
    bytes[4..6].copy_from_slice(&questions.to_be_bytes());
    for name in names {
        for kind in [TYPE_A, TYPE_AAAA] {
            for label in name.split('.') {
                let length = u8::try_from(label.len()).ok()?;
                if !(1..=LABEL_BYTES_MAX).contains(&label.len()) {
                    return None;
                }
                bytes.push(length);
                bytes.extend(label.as_bytes());
            }
            bytes.push(0);
            bytes.extend(kind.to_be_bytes());
            bytes.extend(CLASS_UNICAST.to_be_bytes());
        }
    }
    Some(bytes)
}

/// The addresses that a message tells of these names: the first of each.
fn answers(message: &[u8], names: &[String]) -> Vec<(String, IpAddr)> {
    let mut found = Vec::new();
    // What cannot be read any more ends the message.
    let _ = read_answers(message, names, &mut found);
    found
}

fn read_answers(message: &[u8], names: &[String], found: &mut Vec<(String, IpAddr)>) -> Option<()> {
    let count = |at: usize| Some(usize::from(u16::from_be_bytes(*message.get(at..)?.first_chunk()?)));
    let is_response = message.get(2)? & 0x80 != 0;
    if !is_response {
        return None;
    }
    let mut at = 12;
    for _ in 0..count(4)?.min(MDNS_RECORDS_MAX) {
        at = name_at(message, at)?.1 + 4;
    }
    let records = count(6)? + count(8)? + count(10)?;
    for _ in 0..records.min(MDNS_RECORDS_MAX) {
        let (name, after) = name_at(message, at)?;
        let [a, b, _, _, _, _, _, _, c, d] = *message.get(after..)?.first_chunk::<10>()?;
        let (kind, length) = (u16::from_be_bytes([a, b]), usize::from(u16::from_be_bytes([c, d])));
        let data = message.get(after + 10..after + 10 + length)?;
        at = after + 10 + length;
        let address: Option<IpAddr> = match kind {
            TYPE_A => data.try_into().ok().map(|data: [u8; 4]| Ipv4Addr::from(data).into()),
            TYPE_AAAA => data.try_into().ok().map(|data: [u8; 16]| Ipv6Addr::from(data).into()),
            _ => None,
        };
        let wanted = names.iter().find(|wanted| wanted.eq_ignore_ascii_case(&name));
        if let (Some(wanted), Some(address)) = (wanted, address)
            && !found.iter().any(|(known, _)| known == wanted)
        {
            found.push((wanted.clone(), address));
        }
    }
    Some(())
}

/// A name, and where what follows it begins. A name goes on elsewhere at most once for each of its labels (RFC 1035 §4.1.4).
fn name_at(message: &[u8], start: usize) -> Option<(String, usize)> {
    let (mut name, mut at, mut after) = (String::new(), start, None);
    for _ in 0..LABEL_BYTES_MAX {
        let length = usize::from(*message.get(at)?);
        if length >= 0xc0 {
            let low = usize::from(*message.get(at + 1)?);
            after = after.or(Some(at + 2));
            at = (length & 0x3f) << 8 | low;
        } else if length == 0 {
            return Some((name, after.unwrap_or(at + 1)));
        } else {
            let label = message.get(at + 1..at + 1 + length)?;
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(std::str::from_utf8(label).ok()?);
            at += 1 + length;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "b7f29a62-3c2e-4bd8-9ac3-1d5e8a0f7c11.local";

    /// What a browser answers: the question, then a record whose name is that of the question.
    fn response(kind: u16, data: &[u8]) -> Vec<u8> {
        let mut bytes = query(&[NAME.to_owned()]).unwrap();
        bytes[2] = 0x84;
        bytes[6..8].copy_from_slice(&1_u16.to_be_bytes());
        bytes.extend([0xc0, 12]);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0x80, 1, 0, 0, 0, 120]);
        bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(data);
        bytes
    }

    fn told(bytes: &[u8]) -> Vec<(String, IpAddr)> {
        answers(bytes, &[NAME.to_owned()])
    }

    #[test]
    fn an_answer_tells_the_address_of_a_name() {
        let expected = |address: &str| vec![(NAME.to_owned(), address.parse().unwrap())];
        assert_eq!(told(&response(TYPE_A, &[192, 168, 1, 20])), expected("192.168.1.20"));
        let v6 = "2001:db8::7".parse::<Ipv6Addr>().unwrap().octets();
        assert_eq!(told(&response(TYPE_AAAA, &v6)), expected("2001:db8::7"));
        let answer = response(TYPE_A, &[192, 168, 1, 20]);
        assert_eq!(answers(&answer, &["another.local".to_owned()]), []);
    }

    #[test]
    fn whatever_comes_is_read_without_harm() {
        let whole = response(TYPE_A, &[192, 168, 1, 20]);
        for end in 0..whole.len() {
            assert_eq!(told(&whole[..end]), []);
        }
        assert_eq!(told(&query(&[NAME.to_owned()]).unwrap()), [], "a query");
        assert_eq!(told(&response(TYPE_A, &[1, 2, 3])), []);
        let mut endless = whole.clone();
        let pointer = whole.len() - 16;
        endless[pointer + 1] = u8::try_from(pointer).unwrap();
        assert_eq!(told(&endless), [], "a name that goes on at itself");
    }

    /// Needs an interface with multicast, as any machine in a network has. Where there is none, nothing is asked.
    #[tokio::test]
    async fn who_answers_to_the_group_is_heard() {
        let addresses = if_addrs::get_if_addrs()
            .unwrap()
            .into_iter()
            .map(|interface| interface.ip());
        let mut v4 = addresses.filter_map(|ip| match ip {
            IpAddr::V4(ip) if !ip.is_loopback() => Some(ip),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        });
        let Some(own) = v4.next() else { return };
        let group = listen(own).unwrap();
        let answering = async {
            let mut query = [0; DATAGRAM_BYTES_MAX];
            let bare = super::query(&[NAME.to_owned()]).unwrap();
            while group.recv(&mut query).await.unwrap() != bare.len() || query[..bare.len()] != bare {}
            let answer = response(TYPE_A, &own.octets());
            let from = UdpSocket::bind((own, 0)).await.unwrap();
            from.send_to(&answer, GROUP).await.unwrap();
        };
        let (names, from) = ([NAME.to_owned()], [own]);
        let (found, ()) = tokio::join!(resolve(&names, &from), answering);
        assert_eq!(found.get(NAME), Some(&IpAddr::V4(own)));
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        for name in ["", "a..local", &"x".repeat(64)] {
            assert_eq!(query(&[name.to_owned()]), None, "{name}");
        }
    }
}
