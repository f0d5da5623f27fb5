# SPDX-License-Identifier: Apache-2.0
# Mail::DKIM for many messages: mail_dkim.pl ZONE KEY.pem < jobs
#   ZONE   a file of lines "NAME TXT"
#   jobs   "verify LENGTH\n" or "sign LENGTH HEADER_CANON/BODY_CANON\n", and the message behind it
# Answers a line for each verify, "RESULT", and "LENGTH\n" with the field for each sign.
use strict;
use warnings;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;

package Answer;
sub type    { return 'TXT' }
sub txtdata { return $_[0]{text} }

package main;
my ( $zone_file, $key_file ) = @ARGV;
my %zone;
open my $z, '<', $zone_file or die $zone_file;
while (<$z>) { chomp; my ( $name, $text ) = split / /, $_, 2; $zone{$name} = $text; }
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name) = @_;
        $@ = 'NXDOMAIN';
        return unless exists $zone{ lc $name };
        $@ = 'NOERROR';
        return bless { text => $zone{ lc $name } }, 'Answer';
    };
}

my $key = Mail::DKIM::PrivateKey->load( File => $key_file );
binmode STDIN;
binmode STDOUT;
while ( defined( my $job = <STDIN> ) ) {
    my ( $op, $length, $method ) = split ' ', $job;
    read( STDIN, my $message, $length ) == $length or die 'short';
    if ( $op eq 'verify' ) {
        my $v = Mail::DKIM::Verifier->new;
        my $result = eval { $v->PRINT($message); $v->CLOSE; $v->result } // 'died';
        print "$result\n";
        next;
    }
    my $s = Mail::DKIM::Signer->new( Algorithm => 'rsa-sha256', Method => $method, Domain => 'peer.test', Selector => 'r', Key => $key );
    $s->PRINT($message);
    $s->CLOSE;
    my $field = $s->signature->as_string;
    $field =~ s/\r?\n/\r\n/g;
    print length($field), "\n", $field;
}
