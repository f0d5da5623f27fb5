# SPDX-License-Identifier: Apache-2.0
"""What a client gave away and what arrived, as Python's email package reads it."""
import base64
import email
import email.policy

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")  # image/png


def last(world, address):
    """The message that came last to a mailbox."""
    return email.message_from_bytes(world.wait_mail(address)[-1], policy=email.policy.default)


def people(field):
    return [(a.display_name, a.addr_spec) for a in field.addresses]
