"""The private ranges of IPv4."""

from ipaddress import IPv4Network

RFC1918 = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
"""https://www.rfc-editor.org/rfc/rfc1918#section-3"""
