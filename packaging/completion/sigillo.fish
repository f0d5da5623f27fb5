# SPDX-License-Identifier: Apache-2.0
# fish completion of sigillo

function __sigillo_words -d 'the words of the line behind the program, without options'
    commandline -opc | string match -v -- '-*' | tail -n +2
end
function __sigillo_wants -d 'are these all the words: a noun whose verb is missing, or none'
    set -l words (__sigillo_words)
    test "$words" = "$argv"
end
function __sigillo_is -d 'is this the verb'
    set -l words (__sigillo_words)
    set -l n (count $argv)
    test (count $words) -ge $n; and test "$words[1..$n]" = "$argv"
end
function __sigillo_is_one -d 'is the verb one of these'
    for verb in $argv
        __sigillo_is (string split ' ' $verb); and return 0
    end
    return 1
end

complete -c sigillo -f

# ---- options of many verbs: a new verb that asks DNS, or needs no server, is named here ----
complete -c sigillo -n 'not __sigillo_wants' -l help -d 'print this help'
complete -c sigillo -n 'not __sigillo_wants; and not __sigillo_is_one serve' -l json -d 'print one JSON document'
complete -c sigillo -n 'not __sigillo_wants; and not __sigillo_is_one advise arc check dkim dmarc serve spf tls tlsrpt verify' -l server -x -d 'unix:PATH or https://HOST[:PORT]; also in SIGILLO_SERVER (default unix:/run/sigillo/admin.sock)'
set -l asks_dns "__sigillo_is_one 'spf check' 'spf tree' 'spf build' 'dkim verify' 'arc verify' 'arc seal' check 'tls check' 'dmarc check' verify"
complete -c sigillo -n "$asks_dns" -l resolver -x -d 'ask this DNS server (default: those of the system)'
complete -c sigillo -n "$asks_dns" -l trust-anchor -r -F -d 'DNSSEC: DS or DNSKEY of the root (default: the system\'s)'
complete -c sigillo -n "$asks_dns" -l timeout -x -d 'for all lookups together (default 20)'
complete -c sigillo -n "$asks_dns" -l now -x -d 'judge as if it were this time'

# ---- verbs and nouns ----
complete -c sigillo -n '__sigillo_wants' -a init -d 'first steps: writes a configuration, the first access key and credential'
complete -c sigillo -n '__sigillo_wants' -a serve -d 'runs the server in the foreground, logging JSON lines on standard error'
complete -c sigillo -n '__sigillo_wants' -a status -d 'says how the server is set up, and what is to be done next'
complete -c sigillo -n '__sigillo_wants' -a subscription -d 'tenants'
complete -c sigillo -n '__sigillo_wants' -a profile -d 'limits of what a tenant may send'
complete -c sigillo -n '__sigillo_wants' -a report -d 'tells who sent how much'
complete -c sigillo -n '__sigillo_wants' -a domain -d 'domains and the records to publish'
complete -c sigillo -n '__sigillo_wants' -a credential -d 'user names and passwords for SMTP'
complete -c sigillo -n '__sigillo_wants' -a key -d 'access keys for HTTP'
complete -c sigillo -n '__sigillo_wants' -a app -d 'OAuth applications and their secrets'
complete -c sigillo -n '__sigillo_wants' -a local -d 'processes of this machine, told by their uid'
complete -c sigillo -n '__sigillo_wants' -a account -d 'high-volume accounts, each of which sends as one address'
complete -c sigillo -n '__sigillo_wants' -a sender -d 'addresses that may be sent as'
complete -c sigillo -n '__sigillo_wants' -a group -d 'named groups of addresses'
complete -c sigillo -n '__sigillo_wants' -a policy -d 'who may send as whom'
complete -c sigillo -n '__sigillo_wants' -a suppression -d 'addresses that are not sent to'
complete -c sigillo -n '__sigillo_wants' -a send -d 'sends a message'
complete -c sigillo -n '__sigillo_wants' -a queue -d 'what waits, and a hand on it'
complete -c sigillo -n '__sigillo_wants' -a trace -d 'tells what became of a message, step by step'
complete -c sigillo -n '__sigillo_wants' -a arc -d 'the chain of those who handled a message'
complete -c sigillo -n '__sigillo_wants' -a help -d 'list the verbs, or explain one'
complete -c sigillo -n '__sigillo_wants' -l version -d 'name and version'
complete -c sigillo -n '__sigillo_wants' -a spf -d 'SPF: one client judged, all that a record includes, records to publish'
complete -c sigillo -n '__sigillo_wants' -a dkim -d 'makes DKIM keys, signs, verifies'
complete -c sigillo -n '__sigillo_wants' -a check -d 'judges everything that a domain publishes for mail'
complete -c sigillo -n '__sigillo_wants' -a tls -d 'what a delivery to a domain insists on, and gets'
complete -c sigillo -n '__sigillo_wants' -a tlsrpt -d 'shows reports about TLS that others have sent'
complete -c sigillo -n '__sigillo_wants' -a dmarc -d 'finds DMARC policies and applies them'
complete -c sigillo -n '__sigillo_wants' -a verify -d 'judges a message: SPF, DKIM, ARC, DMARC'
complete -c sigillo -n '__sigillo_wants' -a advise -d 'names the kind of account that suits what you want to send'

# ---- subscription ----
complete -c sigillo -n '__sigillo_wants subscription' -a add -d 'adds a tenant'
complete -c sigillo -n '__sigillo_wants subscription' -a list -d 'lists the tenants'
complete -c sigillo -n '__sigillo_wants subscription' -a show -d 'shows a tenant\'s limits, and how much of them is used'
complete -c sigillo -n '__sigillo_wants subscription' -a set -d 'gives a tenant other limits'
complete -c sigillo -n '__sigillo_is subscription add' -l profile -x -d 'the limits of what it may send (default: unlimited)'
complete -c sigillo -n '__sigillo_is subscription set' -l profile -x -d 'the limits of what it may send'

# ---- profile ----
complete -c sigillo -n '__sigillo_wants profile' -a list -d 'lists the limit profiles'

# ---- report ----
complete -c sigillo -n '__sigillo_wants report' -a usage -d 'tells who sent how much'
complete -c sigillo -n '__sigillo_wants report' -a audit -d 'tells who changed what, when, from where'
complete -c sigillo -n '__sigillo_wants report' -a guard -d 'tells how near bulk mail is to what large receivers refuse'
complete -c sigillo -n '__sigillo_is report guard' -l domain -x -d 'only this domain'
complete -c sigillo -n '__sigillo_is report guard' -l subscription -x -d 'only what is of this tenant'
complete -c sigillo -n '__sigillo_is report usage' -l since -x -d 'RFC 3339, or a span before now: 90s, 15m, 2h, 3d (default 1d)'
complete -c sigillo -n '__sigillo_is report usage' -l subscription -x -d 'only this tenant'
complete -c sigillo -n '__sigillo_is report audit' -l since -x -d 'RFC 3339, or a span before now: 90s, 15m, 2h, 3d (default 30d)'
complete -c sigillo -n '__sigillo_is report audit' -l by -x -d 'only what he did: key:ID, local:uid=0, or only key, system'
complete -c sigillo -n '__sigillo_is report audit' -l object -x -d 'only what was done to it: domain:example.org, or only its name'
complete -c sigillo -n '__sigillo_is report audit' -l action -x -d 'only this: \'domain add\', \'queue hold\''
complete -c sigillo -n '__sigillo_is report audit' -l subscription -x -d 'only what is of this tenant'
complete -c sigillo -n '__sigillo_is report audit' -l csv -d 'comma-separated values instead of a table'

# ---- domain ----
complete -c sigillo -n '__sigillo_wants domain' -a add -d 'adds a domain, makes its DKIM key, prints the records to publish'
complete -c sigillo -n '__sigillo_wants domain' -a list -d 'lists the domains'
complete -c sigillo -n '__sigillo_wants domain' -a show -d 'shows a domain, the state of its records, its selectors'
complete -c sigillo -n '__sigillo_wants domain' -a records -d 'prints the records that the domain has to publish'
complete -c sigillo -n '__sigillo_wants domain' -a verify -d 'looks at the domain\'s own name servers for its records'
complete -c sigillo -n '__sigillo_wants domain' -a coach -d 'says the next safe step of the domain\'s DMARC policy'
complete -c sigillo -n '__sigillo_wants domain' -a park -d 'says that no mail comes from these domains'
complete -c sigillo -n '__sigillo_wants domain' -a publish -d 'publishes what is lacking by dynamic update'
complete -c sigillo -n '__sigillo_wants domain' -a rotate -d 'replaces the DKIM key of a domain, step by step'
complete -c sigillo -n '__sigillo_wants domain' -a remove -d 'removes a domain and its keys'
complete -c sigillo -n '__sigillo_is domain add' -l subscription -x -d 'whose domain it is (default: default)'
complete -c sigillo -n '__sigillo_is domain add' -l ed25519 -d 'a second selector with an Ed25519 key: each message is signed with both'
complete -c sigillo -n '__sigillo_is domain add' -l managed -d 'DOMAIN is one label below the operator\'s own zone: for tests, at once'
complete -c sigillo -n '__sigillo_is domain add' -l return-path -x -d 'subdomain for bounces (default: bounces; "": none)'
complete -c sigillo -n '__sigillo_is domain records' -l format -x -a 'table zone nsupdate json' -d 'table (default), zone, nsupdate or json'
complete -c sigillo -n '__sigillo_is domain records' -l zone -d 'the same as --format zone'
complete -c sigillo -n '__sigillo_is domain records' -l nsupdate -d 'the same as --format nsupdate: a script for nsupdate(1) or knsupdate(1)'
complete -c sigillo -n '__sigillo_is domain records' -l check -d 'first compares them with what is published now, and merges'
complete -c sigillo -n '__sigillo_is domain verify' -l wait -d 'looks again and again until all that is required is there'
complete -c sigillo -n '__sigillo_is domain verify' -l wait-max -x -d 'with --wait: for so long at most (default 3600)'
complete -c sigillo -n '__sigillo_is domain park' -l subscription -x -d 'whose domains they are, when they are new (default: default)'
complete -c sigillo -n '__sigillo_is domain publish' -l dry-run -d 'only say what would be changed'
complete -c sigillo -n '__sigillo_is domain publish' -l replace -d 'also put records in the place of those of somebody else'
complete -c sigillo -n '__sigillo_is domain rotate' -l now -d 'end the wait of this step: for a key that has leaked'
complete -c sigillo -n '__sigillo_is domain rotate' -l status -d 'only tell where it is'
complete -c sigillo -n '__sigillo_is domain rotate' -l cancel -d 'take it back; possible until the old key is being revoked'
complete -c sigillo -n '__sigillo_is domain remove' -l withdraw -d 'its records, too, where the server published them itself'

# ---- credential ----
complete -c sigillo -n '__sigillo_wants credential' -a add -d 'makes a user name and password for SMTP'
complete -c sigillo -n '__sigillo_wants credential' -a list -d 'lists the SMTP credentials'
complete -c sigillo -n '__sigillo_wants credential' -a set -d 'changes the domains or the password of an SMTP credential'
complete -c sigillo -n '__sigillo_wants credential' -a remove -d 'removes an SMTP credential'
complete -c sigillo -n '__sigillo_is credential add' -l domain -x -d 'it may send as addresses of this domain; * for all of the subscription'
complete -c sigillo -n '__sigillo_is credential add' -l password-stdin -d 'read the password from standard input instead of making one'
complete -c sigillo -n '__sigillo_is credential add' -l subscription -x -d 'whose it is (default: default)'
complete -c sigillo -n '__sigillo_is credential set' -l domain -x -d 'it may send as addresses of this domain, and of no others than are named; * for all'
complete -c sigillo -n '__sigillo_is credential set' -l password-stdin -d 'read a new password from standard input'
complete -c sigillo -n '__sigillo_is credential set' -l new-password -d 'make a new password'
complete -c sigillo -n '__sigillo_is credential set' -l profile -x -d 'limits of its own, beside its subscription\'s; none: only those'

# ---- key ----
complete -c sigillo -n '__sigillo_wants key' -a add -d 'makes an access key for HTTP'
complete -c sigillo -n '__sigillo_wants key' -a list -d 'lists the access keys'
complete -c sigillo -n '__sigillo_wants key' -a show -d 'shows an access key, and when its secrets were made and used'
complete -c sigillo -n '__sigillo_wants key' -a set -d 'changes the domains, the label or the scopes of an access key'
complete -c sigillo -n '__sigillo_wants key' -a rotate -d 'makes one of the two secrets of an access key anew'
complete -c sigillo -n '__sigillo_wants key' -a remove -d 'removes an access key'
complete -c sigillo -n '__sigillo_is key add' -l domain -x -d 'it may send as addresses of this domain; * for all of the subscription'
complete -c sigillo -n '__sigillo_is key add' -l label -x -d 'what it is for, shown in lists'
complete -c sigillo -n '__sigillo_is key add' -l scope -x -d 'it is good for this only, as mail.send; may be repeated'
complete -c sigillo -n '__sigillo_is key add' -l role -x -a 'reader owner operator' -d 'what it may do with the admin API over TLS: reader or owner of its subscription, operator'
complete -c sigillo -n '__sigillo_is key add' -l admin -d 'the same as --role operator'
complete -c sigillo -n '__sigillo_is key add' -l subscription -x -d 'whose it is (default: default)'
complete -c sigillo -n '__sigillo_is key set' -l domain -x -d 'it may send as addresses of this domain, and of no others than are named; * for all'
complete -c sigillo -n '__sigillo_is key set' -l label -x -d 'what it is for, shown in lists'
complete -c sigillo -n '__sigillo_is key set' -l scope -x -d 'it is good for this, and for nothing else than is named'
complete -c sigillo -n '__sigillo_is key set' -l profile -x -d 'limits of its own, beside its subscription\'s; none: only those'
complete -c sigillo -n '__sigillo_is key rotate' -l which -x -a 'primary secondary' -d 'primary or secondary (default: the one that is not there yet, else the older one)'

# ---- app ----
complete -c sigillo -n '__sigillo_wants app' -a add -d 'adds an OAuth application and makes its secret'
complete -c sigillo -n '__sigillo_wants app' -a list -d 'lists the applications'
complete -c sigillo -n '__sigillo_wants app' -a show -d 'shows an application and its secrets\' ends'
complete -c sigillo -n '__sigillo_wants app' -a set -d 'changes the domains or the label of an application'
complete -c sigillo -n '__sigillo_wants app' -a secret -d 'makes one more secret for an application, or removes one'
complete -c sigillo -n '__sigillo_wants app' -a federate -d 'lets an application prove itself by tokens of another issuer'
complete -c sigillo -n '__sigillo_wants app' -a remove -d 'removes an application and all of its secrets'
complete -c sigillo -n '__sigillo_is app add' -l domain -x -d 'it may send as addresses of this domain; * for all of the subscription'
complete -c sigillo -n "__sigillo_is_one 'app add' 'app set'" -l label -x -d 'what it is for, shown in lists'
complete -c sigillo -n '__sigillo_is app add' -l role -x -a 'reader owner operator' -d 'what its tokens may in the admin API: reader, owner, operator'
complete -c sigillo -n '__sigillo_is app add' -l expires -x -d 'when its secret ends: RFC 3339, or 90d from now (default: 365d)'
complete -c sigillo -n '__sigillo_is app add' -l no-secret -d 'without a secret'
complete -c sigillo -n '__sigillo_is app add' -l subscription -x -d 'whose it is (default: default)'
complete -c sigillo -n '__sigillo_is app set' -l domain -x -d 'it may send as addresses of this domain, and of no others than are named; * for all'
complete -c sigillo -n '__sigillo_is app set' -l profile -x -d 'limits of its own, beside its subscription\'s; none: only those'
complete -c sigillo -n '__sigillo_is app secret' -l expires -x -d 'when the new one ends: RFC 3339, or 90d from now (default: 365d)'
complete -c sigillo -n '__sigillo_is app secret' -l remove -x -d 'removes this one instead; `app show` lists them'
complete -c sigillo -n '__sigillo_is app federate' -l issuer -x -d 'who makes its tokens: https://..., as in their claim iss'
complete -c sigillo -n '__sigillo_is app federate' -l subject -x -d 'whom they are for, as in sub'
complete -c sigillo -n '__sigillo_is app federate' -l audience -x -d 'where they are shown, as in aud (default: public_url)'
complete -c sigillo -n '__sigillo_is app federate' -l reusable -d 'each may be shown more than once, as those of Kubernetes are'
complete -c sigillo -n '__sigillo_is app federate' -l remove -x -d 'trusts this one no longer; `app show` lists them'

# ---- local ----
complete -c sigillo -n '__sigillo_wants local' -a add -d 'lets the processes of a user of the server\'s machine send'
complete -c sigillo -n '__sigillo_wants local' -a list -d 'lists the local processes that may send'
complete -c sigillo -n '__sigillo_wants local' -a show -d 'shows one of them, and where it connects'
complete -c sigillo -n '__sigillo_wants local' -a set -d 'changes its domains or its limits'
complete -c sigillo -n '__sigillo_wants local' -a remove -d 'removes it'
complete -c sigillo -n '__sigillo_is local add' -l uid -x -d 'as which its processes run'
complete -c sigillo -n '__sigillo_is local add' -l user -x -a '(__fish_complete_users)' -d 'the same, by the name that the user has on this machine'
complete -c sigillo -n '__sigillo_is local add' -l domain -x -d 'it may send as addresses of this domain; * for all of the subscription'
complete -c sigillo -n '__sigillo_is local add' -l subscription -x -d 'whose it is (default: default)'
complete -c sigillo -n '__sigillo_is local set' -l domain -x -d 'it may send as addresses of this domain, and of no others than are named; * for all'
complete -c sigillo -n '__sigillo_is local set' -l profile -x -d 'limits of its own, beside its subscription\'s; none: only those'

# ---- account ----
complete -c sigillo -n '__sigillo_wants account' -a add -d 'adds a high-volume account, which sends as one address'
complete -c sigillo -n '__sigillo_wants account' -a list -d 'lists the high-volume accounts'
complete -c sigillo -n '__sigillo_wants account' -a show -d 'shows an account'
complete -c sigillo -n '__sigillo_wants account' -a set -d 'changes how an account logs in, or its name'
complete -c sigillo -n '__sigillo_wants account' -a remove -d 'removes an account'
complete -c sigillo -n "__sigillo_is_one 'account add' 'account set'" -l name -x -d 'what people call it'
complete -c sigillo -n '__sigillo_is account add' -l address -x -d 'the one it sends as, and its user name'
complete -c sigillo -n '__sigillo_is account add' -l password-stdin -d 'read the password from standard input instead of making one'
complete -c sigillo -n '__sigillo_is account add' -l basic -x -a 'on off' -d 'log in with a password (default: on, unless there are applications)'
complete -c sigillo -n '__sigillo_is account add' -l oauth -x -a 'on off' -d 'log in with a token of an application (default: on)'
complete -c sigillo -n '__sigillo_is account add' -l allow-app -x -d 'an application that may log in as it; at most ten'
complete -c sigillo -n '__sigillo_is account add' -l subscription -x -d 'whose it is (default: default)'
complete -c sigillo -n '__sigillo_is account set' -l basic -x -a 'on off' -d 'log in with a password; one is made when there is none'
complete -c sigillo -n '__sigillo_is account set' -l oauth -x -a 'on off' -d 'log in with a token of an application'
complete -c sigillo -n '__sigillo_is account set' -l allow-app -x -d 'one more application that may log in as it; at most ten'
complete -c sigillo -n '__sigillo_is account set' -l forbid-app -x -d 'one that may not any more'
complete -c sigillo -n '__sigillo_is account set' -l password-stdin -d 'read a new password from standard input'
complete -c sigillo -n '__sigillo_is account set' -l new-password -d 'make a new password'
complete -c sigillo -n '__sigillo_is account set' -l profile -x -d 'limits of its own, beside its subscription\'s; none: only those'

# ---- sender ----
complete -c sigillo -n '__sigillo_wants sender' -a add -d 'lists an address that may be sent as; *@DOMAIN for all of a domain'
complete -c sigillo -n '__sigillo_wants sender' -a list -d 'lists the senders'
complete -c sigillo -n '__sigillo_wants sender' -a remove -d 'takes an address from the senders'
complete -c sigillo -n "__sigillo_is_one 'sender add' 'sender remove'" -l app -x -d 'the application of this name or client id; * for all of them'
complete -c sigillo -n "__sigillo_is_one 'sender add' 'sender remove'" -l identity -x -d 'credential:NAME, key:ID, app:ID, account:ADDRESS, local:uid=N'
complete -c sigillo -n '__sigillo_is sender add' -l subscription -x -d 'whose the domain is (default: whose it is)'

# ---- group ----
complete -c sigillo -n '__sigillo_wants group' -a add -d 'names a group of addresses'
complete -c sigillo -n '__sigillo_wants group' -a list -d 'lists the groups'
complete -c sigillo -n '__sigillo_wants group' -a show -d 'prints the members of a group, one a line'
complete -c sigillo -n '__sigillo_wants group' -a set -d 'changes the members of a group'
complete -c sigillo -n '__sigillo_wants group' -a remove -d 'removes a group'
complete -c sigillo -n '__sigillo_is group add' -l member -x -d 'an address, or *@DOMAIN for all of a domain'
complete -c sigillo -n '__sigillo_is group add' -l members -r -F -d 'members from a file, one a line'
complete -c sigillo -n "__sigillo_is_one 'group add' 'group set'" -l description -x -d 'what it is for'
complete -c sigillo -n "__sigillo_is_one 'group add' 'group show' 'group set' 'group remove'" -l subscription -x -d 'whose it is (default: default)'
complete -c sigillo -n '__sigillo_is group set' -l member -x -d 'one more'
complete -c sigillo -n '__sigillo_is group set' -l drop -x -d 'one less'
complete -c sigillo -n '__sigillo_is group set' -l members -r -F -d 'these and no others, one a line'

# ---- policy ----
complete -c sigillo -n '__sigillo_wants policy' -a add -d 'allows or denies an identity to send as the members of a group'
complete -c sigillo -n '__sigillo_wants policy' -a list -d 'lists the policies'
complete -c sigillo -n '__sigillo_wants policy' -a remove -d 'removes a policy'
complete -c sigillo -n '__sigillo_wants policy' -a test -d 'says whether an identity may send as an address, and by which rule'
complete -c sigillo -n "__sigillo_is_one 'policy add' 'policy test'" -l app -x -d 'the application of this name or client id; * for all of them'
complete -c sigillo -n "__sigillo_is_one 'policy add' 'policy test'" -l identity -x -d 'credential:NAME, key:ID, app:ID, account:ADDRESS, local:uid=N'
complete -c sigillo -n '__sigillo_is policy add' -l allow -d 'it may send as the members of the group, and as nobody else'
complete -c sigillo -n '__sigillo_is policy add' -l deny -d 'it may not send as the members of the group'
complete -c sigillo -n '__sigillo_is policy add' -l senders -x -d 'the group'
complete -c sigillo -n '__sigillo_is policy add' -l description -x -d 'what it is for'
complete -c sigillo -n '__sigillo_is policy add' -l subscription -x -d 'whose it is (default: default)'
complete -c sigillo -n '__sigillo_is policy test' -l sender -x -d 'may it send as this address?'

# ---- suppression ----
complete -c sigillo -n '__sigillo_wants suppression' -a add -d 'stops sending to addresses'
complete -c sigillo -n '__sigillo_wants suppression' -a list -d 'lists the addresses that are not sent to'
complete -c sigillo -n '__sigillo_wants suppression' -a remove -d 'sends to an address again'
complete -c sigillo -n '__sigillo_wants suppression' -a import -d 'stops sending to the addresses of a file, one a line, or CSV'
complete -c sigillo -n '__sigillo_wants suppression' -a export -d 'prints the addresses that are not sent to as CSV'
complete -c sigillo -n "__sigillo_is_one 'suppression add' 'suppression list' 'suppression remove' 'suppression import' 'suppression export'" -l subscription -x -d 'whose list it is (default: default)'
complete -c sigillo -n "__sigillo_is_one 'suppression add' 'suppression list' 'suppression remove' 'suppression import' 'suppression export'" -l domain -x -d 'only for mail from this domain (default: all mail)'
complete -c sigillo -n "__sigillo_is_one 'suppression add' 'suppression import'" -l reason -x -a 'hard-bounce invalid complaint unsubscribe blocked manual' -d 'hard-bounce, invalid, complaint, unsubscribe, blocked or manual (default)'
complete -c sigillo -n "__sigillo_is_one 'suppression add' 'suppression import'" -l reply -x -d 'the answer that caused it'
complete -c sigillo -n "__sigillo_is_one 'suppression add' 'suppression import'" -l expires -x -d 'until then: RFC 3339 (default: for ever)'
complete -c sigillo -n "__sigillo_is_one 'suppression add' 'suppression import'" -l case-sensitive -d 'of this spelling of the local part only'
complete -c sigillo -n "__sigillo_is_one 'suppression add' 'suppression import'" -l any-case -d 'of any spelling (default: as configured)'

# ---- queue ----
complete -c sigillo -n '__sigillo_wants queue' -a list -d 'lists what waits, and why'
complete -c sigillo -n '__sigillo_wants queue' -a show -d 'says of a message who got it, who waits, why, until when'
complete -c sigillo -n '__sigillo_wants queue' -a retry -d 'tries what waits again now'
complete -c sigillo -n '__sigillo_wants queue' -a cancel -d 'ends what waits, without a bounce'
complete -c sigillo -n '__sigillo_wants queue' -a hold -d 'keeps what waits until it is released'
complete -c sigillo -n '__sigillo_wants queue' -a release -d 'lets what is held go on'
complete -c sigillo -n '__sigillo_is queue list' -l domain -x -d 'only what is for this destination'
complete -c sigillo -n '__sigillo_is queue list' -l to -x -d 'only what is for this recipient'
complete -c sigillo -n '__sigillo_is queue list' -l from -x -d 'only what this sender sent'
complete -c sigillo -n '__sigillo_is queue list' -l since -x -d 'only what was accepted since: 2026-11-22T12:00:00Z, or 15m, 2h, 3d ago'
complete -c sigillo -n '__sigillo_is queue list' -l max -x -d 'at most so many messages (default 100)'
complete -c sigillo -n "__sigillo_is_one 'queue retry' 'queue cancel' 'queue hold' 'queue release'" -l recipient -x -d 'only this recipient of the message'
complete -c sigillo -n "__sigillo_is_one 'queue retry' 'queue cancel' 'queue hold' 'queue release'" -l domain -x -d 'only what is for this destination; without an ID: of all messages'

# ---- init ----
complete -c sigillo -n '__sigillo_is init' -l config -r -F -d 'where to write the configuration (default /etc/sigillo/sigillo.conf)'
complete -c sigillo -n '__sigillo_is init' -l state-dir -r -F -d 'where queue and keys will live (default /var/lib/sigillo)'
complete -c sigillo -n '__sigillo_is init' -l admin-socket -r -F -d 'where the server will listen to this program (default /run/sigillo/admin.sock)'
complete -c sigillo -n '__sigillo_is init' -l hostname -x -d 'the server\'s name in greetings and reports (default: the machine\'s)'
complete -c sigillo -n '__sigillo_is init' -l user -x -d 'whom the server becomes (default for root: sigillo)'
complete -c sigillo -n '__sigillo_is init' -l certificate -r -F -d 'PEM file for TLS: opens ports 587 and 465'
complete -c sigillo -n '__sigillo_is init' -l key -r -F -d 'its private key'

# ---- serve ----
complete -c sigillo -n '__sigillo_is serve' -l config -r -F -d 'the configuration (default /etc/sigillo/sigillo.conf)'
complete -c sigillo -n '__sigillo_is serve' -l check -d 'only check the configuration: exit 0 when it is good'

# ---- send ----
complete -c sigillo -n '__sigillo_is send' -l from -x -d 'who it is from: a@example.org, or "Anna <a@example.org>"'
complete -c sigillo -n '__sigillo_is send' -l to -x -d 'who it is for'
complete -c sigillo -n '__sigillo_is send' -l cc -x -d 'who gets a copy'
complete -c sigillo -n '__sigillo_is send' -l bcc -x -d 'who gets a copy that the others do not see'
complete -c sigillo -n '__sigillo_is send' -l reply-to -x -d 'where answers go'
complete -c sigillo -n '__sigillo_is send' -l subject -x -d 'the subject'
complete -c sigillo -n '__sigillo_is send' -l text -r -F -d 'the text, UTF-8; - (and without any content) is standard input'
complete -c sigillo -n '__sigillo_is send' -l html -r -F -d 'the same as HTML'
complete -c sigillo -n '__sigillo_is send' -l attach -r -F -d 'a file that goes with it'
complete -c sigillo -n '__sigillo_is send' -l list -x -d 'it is list mail'
complete -c sigillo -n '__sigillo_is send' -l wait -d 'follow it to its final state; exit 1 when any recipient did not get it'
complete -c sigillo -n '__sigillo_is send' -l timeout -x -d 'how long --wait waits (default 300); then exit 3'

# ---- trace ----
complete -c sigillo -n '__sigillo_is trace' -l to -x -d 'messages for this recipient, newest first'
complete -c sigillo -n '__sigillo_is trace' -l from -x -d 'messages of this sender'
complete -c sigillo -n '__sigillo_is trace' -l since -x -d 'messages accepted since: 2026-11-22T12:00:00Z, or 15m, 2h, 3d ago'
complete -c sigillo -n '__sigillo_is trace' -l max -x -d 'at most so many messages (default 20)'

# ---- spf ----
complete -c sigillo -n '__sigillo_wants spf' -a check -d 'tells whether SPF lets a client send for a domain, and which term says so'
complete -c sigillo -n '__sigillo_is spf check' -l ip -x -d 'address of the client that sends'
complete -c sigillo -n '__sigillo_is spf check' -l from -x -d 'sender of the envelope; \'\' is the null sender'
complete -c sigillo -n '__sigillo_is spf check' -l helo -x -d 'what the client says with HELO or EHLO'
complete -c sigillo -n '__sigillo_is spf check' -l receiver -x -d 'host that judges, for %{r} (default: unknown)'
complete -c sigillo -n '__sigillo_wants spf' -a tree -d 'shows all that a record includes, what it costs, what is wrong'
complete -c sigillo -n '__sigillo_wants spf' -a build -d 'makes the TXT records to publish, merged into what is there'
complete -c sigillo -n '__sigillo_is spf build' -l m365 -x -a 'worldwide gcc gcchigh dod 21vianet' -d 'Microsoft 365 sends: worldwide, gcc, gcchigh, dod or 21vianet'
complete -c sigillo -n '__sigillo_is spf build' -l ip -x -d 'this server or network of your own sends'
complete -c sigillo -n '__sigillo_is spf build' -l include -x -d 'this service sends: the name that it wants included'
complete -c sigillo -n '__sigillo_is spf build' -l subdomain -x -d 'this service sends for a subdomain with a record of its own'
complete -c sigillo -n '__sigillo_is spf build' -l policy -x -a 'hard soft neutral' -d 'all others: hard (-all), soft (~all) or neutral (?all)'
complete -c sigillo -n '__sigillo_is spf build' -l parked -d 'the domain sends no mail and gets none; several domains may be given'
complete -c sigillo -n '__sigillo_is spf build' -l existing -x -d 'merge into this record instead of the one that is published'
complete -c sigillo -n '__sigillo_is spf build' -l offline -d 'ask no DNS: merge into nothing, count no nested includes'

# ---- dkim ----
complete -c sigillo -n '__sigillo_wants dkim' -a keygen -d 'makes a DKIM key and prints the record to publish'
complete -c sigillo -n '__sigillo_wants dkim' -a sign -d 'prints a message with a new DKIM signature above it'
complete -c sigillo -n '__sigillo_wants dkim' -a verify -d 'tells of each DKIM signature of a message whether it holds'
complete -c sigillo -n '__sigillo_is dkim keygen' -l type -x -a 'rsa-2048 rsa-4096 ed25519' -d 'rsa-2048 (default), rsa-4096 or ed25519'
complete -c sigillo -n '__sigillo_is dkim keygen' -l domain -x -d 'whose key it is'
complete -c sigillo -n '__sigillo_is dkim keygen' -l selector -x -d 'where it will be published: NAME._domainkey.DOMAIN'
complete -c sigillo -n '__sigillo_is dkim keygen' -l out -r -F -d 'a new file for the private key, mode 0600 (default: it is printed)'
complete -c sigillo -n '__sigillo_is dkim sign' -l domain -x -d 'who signs: d=; one may stand for all signatures'
complete -c sigillo -n '__sigillo_is dkim sign' -l selector -x -d 'where the key is published: s='
complete -c sigillo -n '__sigillo_is dkim sign' -l key -r -F -d 'private key: PEM or DER, without a password'
complete -c sigillo -n '__sigillo_is dkim sign' -l canon -x -a 'relaxed/relaxed relaxed/simple simple/relaxed simple/simple' -d 'relaxed or simple each (default relaxed/relaxed)'
complete -c sigillo -n '__sigillo_is dkim sign' -l headers -x -d 'the fields to sign, each as often as named (default: all that matter)'
complete -c sigillo -n '__sigillo_is dkim sign' -l expire -x -d 'how long the signature is valid: x= (default: no end)'
complete -c sigillo -n '__sigillo_is dkim sign' -l now -x -d 'sign as if it were this time'
complete -c sigillo -n '__sigillo_is dkim verify' -l allow-length -d 'let a signature pass whose l= leaves the end of the body unsigned'

# ---- arc ----
complete -c sigillo -n '__sigillo_wants arc' -a verify -d 'tells the state of a message\'s ARC chain'
complete -c sigillo -n '__sigillo_wants arc' -a seal -d 'prints the message with one more ARC set'
complete -c sigillo -n '__sigillo_is arc verify' -F
complete -c sigillo -n '__sigillo_is arc seal' -l domain -x -d 'whose seal it is (d=)'
complete -c sigillo -n '__sigillo_is arc seal' -l selector -x -d 'the key\'s name below _domainkey (s=)'
complete -c sigillo -n '__sigillo_is arc seal' -l key -r -F -d 'the private key: PEM or DER, RSA or Ed25519'
complete -c sigillo -n '__sigillo_is arc seal' -l authserv-id -x -d 'under which Authentication-Results the findings on arrival stand'
complete -c sigillo -n '__sigillo_is arc seal' -l headers -x -d 'the fields that the message signature covers'
complete -c sigillo -n '__sigillo_is arc seal' -F

# ---- check ----
complete -c sigillo -n '__sigillo_is check' -l selector -x -d 'a DKIM selector of the domain (default: well-known ones are tried)'
complete -c sigillo -n '__sigillo_is check' -l bimi-selector -x -d 'the BIMI selector (default: default)'
complete -c sigillo -n '__sigillo_is check' -l no-https -d 'do not fetch the MTA-STS policy'
complete -c sigillo -n '__sigillo_is check' -l ca -r -F -d 'authorities for that fetch, in PEM (default: the system\'s)'

# ---- tls ----
complete -c sigillo -n '__sigillo_wants tls' -a check -d 'shows what a delivery would insist on and get, host by host'
complete -c sigillo -n '__sigillo_is tls check' -l port -x -d 'where its hosts take mail (default 25)'
complete -c sigillo -n '__sigillo_is tls check' -l no-connect -d 'look records up only; connect to no mail host'
complete -c sigillo -n '__sigillo_is tls check' -l helo -x -d 'the name to say with EHLO (default: this machine\'s)'
complete -c sigillo -n '__sigillo_is tls check' -l ca -r -F -d 'authorities to trust, in PEM (default: the system\'s)'
# ---- tlsrpt ----
complete -c sigillo -n '__sigillo_wants tlsrpt' -a report -d 'shows reports about TLS that others have sent'

# ---- dmarc ----
complete -c sigillo -n '__sigillo_wants dmarc' -a check -d 'finds the DMARC policy of a domain and judges what SPF and DKIM said'
complete -c sigillo -n '__sigillo_is dmarc check' -l from-domain -x -d 'the domain of the From field'
complete -c sigillo -n '__sigillo_is dmarc check' -l spf -x -d 'what SPF said of MAIL FROM: pass:example.org'
complete -c sigillo -n '__sigillo_is dmarc check' -l dkim -x -d 'what one signature said, with its d='
complete -c sigillo -n '__sigillo_is dmarc check' -l rules -x -a 'rfc9989 rfc7489' -d 'rfc9989 (default) or rfc7489: by the Public Suffix List'

# ---- verify ----
complete -c sigillo -n '__sigillo_is verify' -l ip -x -d 'the client\'s address; without it SPF is not checked'
complete -c sigillo -n '__sigillo_is verify' -l helo -x -d 'what the client said in HELO or EHLO'
complete -c sigillo -n '__sigillo_is verify' -l from -x -d 'what it said in MAIL FROM'
complete -c sigillo -n '__sigillo_is verify' -l authserv-id -x -d 'who judges, for the field (default: this host)'
complete -c sigillo -n '__sigillo_is verify' -l trust-sealer -x -d 'believe this domain\'s ARC seals'
complete -c sigillo -n '__sigillo_is verify' -l rules -x -a 'rfc9989 rfc7489' -d 'DMARC by rfc9989 (default) or rfc7489'

# ---- advise ----
complete -c sigillo -n '__sigillo_is advise' -l what -x -a 'transactional notifications newsletter people test' -d 'transactional, notifications, newsletter, people or test'
complete -c sigillo -n '__sigillo_is advise' -l to -x -a 'internal external both' -d 'internal, external or both'
complete -c sigillo -n '__sigillo_is advise' -l per-day -x -d 'recipients a day'
complete -c sigillo -n '__sigillo_is advise' -l by -x -a 'smtp http acs sendgrid graph sendmail' -d 'smtp, http, acs, sendgrid, graph or sendmail'
complete -c sigillo -n '__sigillo_is advise' -l login -x -a 'password oauth federated' -d 'password (default), oauth or federated'
complete -c sigillo -n '__sigillo_is advise' -l want -x -a 'nothing bounces status events' -d 'nothing, bounces, status or events'
complete -c sigillo -n '__sigillo_is advise' -l domain -x -d 'who sends; for the names of the records'
complete -c sigillo -n '__sigillo_is advise' -l name -x -d 'of the application, for the commands (default: app1)'
complete -c sigillo -n '__sigillo_is advise' -l issuer -x -d 'federated: who makes its tokens'
complete -c sigillo -n '__sigillo_is advise' -l subject -x -d 'federated: whom they are for'
complete -c sigillo -n '__sigillo_is advise' -l licences -x -d 'of Microsoft 365: compare with its limit for a tenant'
