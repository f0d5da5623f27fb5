#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Mail::SPF for test_spf_peers.py: a JSON object a line on stdin, one a line on stdout, DNS from memory.
#   {"zone":{NAME:{TYPE:[DATA,...],"alias":NAME,"else":OUTCOME}}}
#   {"ip":...,"sender":...,"helo":...}    ->    {"result":...,"why":...}
use strict;
use warnings;
use JSON::PP;
use Mail::SPF;
use Net::DNS;

package MemoryResolver;

sub new { return bless {zone => {}, error => ''}, shift }
sub errorstring { return $_[0]{error} }

sub answer {
    my ($self, $packet, $name, $type, $data) = @_;
    my %rr = (name => $name, type => $type, ttl => 300);
    $rr{address} = $data if $type eq 'A' or $type eq 'AAAA';
    @rr{qw(preference exchange)} = @$data if $type eq 'MX';
    $rr{ptrdname} = $data if $type eq 'PTR';
    $rr{txtdata} = [$data] if $type eq 'TXT';
    $packet->push(answer => Net::DNS::RR->new(%rr));
}

sub send {
    my ($self, $name, $type) = @_;
    my $packet = Net::DNS::Packet->new('q.test', $type);
    my $asked = $name;
    my $node = $self->{zone}{$name};
    for (1 .. 10) {
        last if not $node or not exists $node->{alias} or exists $node->{$type};
        $name = $node->{alias};
        $node = $self->{zone}{$name};
    }
    $self->{error} = '';
    if (not $node) {
        $packet->header->rcode('NXDOMAIN');
    }
    elsif (exists $node->{$type}) {
        $self->answer($packet, 'q.test', $type, $_) for @{$node->{$type}};
    }
    elsif (($node->{else} // '') eq 'SERVFAIL') {
        $packet->header->rcode('SERVFAIL');
    }
    return $packet;
}

package main;

my $json     = JSON::PP->new->utf8;
my $resolver = MemoryResolver->new;
my $server   = Mail::SPF::Server->new(dns_resolver => $resolver, hostname => 'rcv.test', query_rr_types => Mail::SPF::Server->query_rr_type_txt);
$| = 1;
while (my $line = <STDIN>) {
    my $in = $json->decode($line);
    if ($in->{zone}) {
        $resolver->{zone} = $in->{zone};
        print "{}\n";
        next;
    }
    my $out = eval {
        my %what = (ip_address => $in->{ip}, helo_identity => $in->{helo}, versions => [1]);
        my $request = $in->{sender} eq ''
            ? Mail::SPF::Request->new(%what, scope => 'helo', identity => $in->{helo})
            : Mail::SPF::Request->new(%what, scope => 'mfrom', identity => $in->{sender});
        my $result = $server->process($request);
        {result => $result->code, why => $result->local_explanation . ''};
    };
    $out = {result => 'died', why => "$@"} if not $out;
    print $json->encode($out), "\n";
}
