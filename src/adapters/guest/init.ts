/** The guest's pid 1: a shell script for the image's static busybox, the same for every guest; what differs is data in /etc/ringwall. */

/** Where init, its busybox and its data lie inside every guest. */
export const initPath = '/usr/lib/ringwall/init';
export const busyboxPath = '/usr/lib/ringwall/busybox';
export const settingsPath = '/etc/ringwall/settings';

/** Init says this on the console when interfaces and services are up. */
export const readyLine = 'ringwall: guest ready';

/**
 * `settings` has one fact a line: `link NAME MAC MTU` · `address NAME ADDRESS/LENGTH` · `gateway NAME ADDRESS` ·
 * `route NAME PREFIX GATEWAY` · `service http|dropbear|openssh` · `forward` · `password`. It is read as words, never as code.
 */
export const initScript = `#!${busyboxPath} sh
# Started by the sandbox driver as pid 1 of the guest. Rewritten at every start.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH HOME=/root
bb=${busyboxPath}
settings=${settingsPath}

say() { echo "ringwall: $*"; }

# Guests end in order: TERM to all, a moment, KILL to what is left; leaving pid 1 ends the pid namespace.
finish() {
  trap '' TERM INT USR1 USR2
  say "guest stops"
  kill -TERM -1 2>/dev/null
  tries=0
  set -- /proc/[0-9]*
  while [ "$#" -gt 1 ] && [ "$tries" -lt 100 ]; do
    $bb usleep 20000
    tries=$((tries + 1))
    set -- /proc/[0-9]*
  done
  kill -KILL -1 2>/dev/null
  exit 0
}
trap finish TERM INT USR1 USR2

set_value() { [ -w "$1" ] && echo "$2" > "$1"; }

# The wait is bounded: a guest without its interface still serves its console and loopback.
await_links() {
  tries=0
  while read -r kind name rest; do
    [ "$kind" = link ] || continue
    until [ -d "/proc/sys/net/ipv4/conf/$name" ] || [ "$tries" -ge 3000 ]; do
      $bb usleep 20000
      tries=$((tries + 1))
    done
    [ -d "/proc/sys/net/ipv4/conf/$name" ] || say "interface $name did not arrive"
  done < $settings
}

bring_up() {
  while read -r kind name first second; do
    case "$kind" in
      link)
        # No router advertisement, no autoconfiguration, no duplicate detection: addresses are the stamp's to give.
        for key in accept_ra autoconf dad_transmits accept_dad accept_redirects; do
          set_value "/proc/sys/net/ipv6/conf/$name/$key" 0
        done
        $bb ip link set dev "$name" address "$first"
        $bb ip link set dev "$name" mtu "$second" up ;;
      address) $bb ip addr add "$first" dev "$name" ;;
      gateway)
        $bb ip route add "$first" dev "$name" scope link 2>/dev/null
        $bb ip route add default via "$first" dev "$name" ;;
      route)
        $bb ip route add "$second" dev "$name" scope link 2>/dev/null
        $bb ip route add "$first" via "$second" dev "$name" ;;
      forward)
        set_value /proc/sys/net/ipv4/ip_forward 1
        set_value /proc/sys/net/ipv6/conf/all/forwarding 1 ;;
    esac
  done < $settings
}

# One line of shell per service keeps it running; a second between tries keeps a broken one from spinning.
keep() { while :; do "$@"; $bb sleep 1; done & }

serve() {
  passwords=no
  $bb grep -qx password $settings && passwords=yes
  while read -r kind name rest; do
    [ "$kind" = service ] || continue
    case "$name" in
      http)
        $bb mkdir -p /var/www/cgi-bin
        $bb hostname > /var/www/index.html
        { $bb hostname; $bb sed -n 's/^address [^ ]* //p' $settings; } > /var/www/whoami
        keep $bb httpd -f -p 80 -u 65534:65534 -h /var/www ;;
      dropbear)
        $bb mkdir -p /etc/dropbear
        if [ "$passwords" = yes ]; then keep dropbear -F -E -R -w -p 22; else keep dropbear -F -E -R -w -s -p 22; fi ;;
      openssh)
        $bb mkdir -p /run/sshd
        ssh-keygen -A > /dev/null
        keep /usr/sbin/sshd -D -e -o "PasswordAuthentication=$passwords" -o PermitRootLogin=no -o UsePAM=no ;;
    esac
  done < $settings
}

custom_data() {
  file=/var/lib/ringwall/custom-data
  [ -f $file ] && [ ! -e $file.done ] || return 0
  : > $file.done
  if [ "$($bb head -c 2 $file)" != '#!' ]; then
    say "custom data is no script; it lies in $file"
    return 0
  fi
  say "custom data runs"
  $file < /dev/null
  say "custom data ended with $?"
}

say "guest starts on $($bb uname -r)"
$bb ip link set dev lo up
set_value /proc/sys/net/ipv4/ping_group_range '0 65534'
if [ -f /etc/nftables.conf ]; then
  nft -f /etc/nftables.conf || say "/etc/nftables.conf was not loaded"
fi
await_links
bring_up
serve
say "addresses: $($bb ip -o addr show scope global | $bb awk '{print $2, $4}' | $bb tr '\\n' ' ')"
echo '${readyLine}'
custom_data &
# The wait built in reaps whatever the guest leaves behind, and lets the trap run at once.
while :; do
  $bb sleep 86400 &
  wait $!
done
`;
