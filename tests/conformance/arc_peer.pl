#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Mail::DKIM::ARC for test_arc_peers.py: a JSON object a line on standard input, one a line on standard output, messages and fields as base64.
#   {"op":"verify","message":B64,"txt":{NAME:TEXT}}          -> {"result":"none|pass|fail|invalid|..."}
#   {"op":"seal","message":B64,"domain":D,"selector":S,"key":PATH,"id":NAME,"chain":STATE,"now":N}  -> {"fields":B64} or {"skipped":WHY}
use strict;
use warnings;
use JSON::PP;
use MIME::Base64;
use Mail::DKIM;
use Mail::DKIM::ARC::Signer;
use Mail::DKIM::ARC::Verifier;

package Record;
sub new { my ($class, $text) = @_; return bless { text => $text }, $class; }
sub type { return 'TXT'; }
sub txtdata { return $_[0]{text}; }
sub char_str_list { return $_[0]{text}; }

package main;
my $zone = {};
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my $text = $zone->{ lc $_[0] };
        return defined $text ? (Record->new($text)) : ();
    };
}

sub verify {
    my ($in, $message) = @_;
    my $verifier = Mail::DKIM::ARC::Verifier->new(Strict => 1);
    $verifier->PRINT($message);
    $verifier->CLOSE;
    return { result => $verifier->result, detail => $verifier->result_detail };
}

sub seal {
    my ($in, $message) = @_;
    my $signer = Mail::DKIM::ARC::Signer->new(
        Algorithm => 'rsa-sha256', Chain => $in->{chain}, Domain => $in->{domain}, SrvId => $in->{id},
        Selector => $in->{selector}, KeyFile => $in->{key}, Timestamp => $in->{now});
    $signer->PRINT($message);
    $signer->CLOSE;
    return { skipped => $signer->{details} } if $signer->result ne 'sealed';
    return { fields => encode_base64(join('', map { s/\015?\012\z//r . "\015\012" } $signer->as_strings), '') };
}

$| = 1;
my $json = JSON::PP->new->canonical;
while (my $line = <STDIN>) {
    my $in = $json->decode($line);
    my $message = decode_base64($in->{message});
    $zone = $in->{txt} || {};
    my $out = eval { local $SIG{__WARN__} = sub { }; $in->{op} eq 'seal' ? seal($in, $message) : verify($in, $message) };
    print $json->encode($out || { error => "$@" }), "\n";
}
