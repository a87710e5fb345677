/**
 * The watchdog: a shell script, because a second Node would cost 40 MB. It reads lines from the gateway (`+ group`,
 * `- group`, `.` for "nothing is left, go"). An end of input without the `.` means that the gateway is dead, however it died: the kernel
 * closes its end of the pipe. Then every group that is left gets SIGTERM, half a second, and SIGKILL.
 *
 * The last loop is for a child that was started but not yet told when the gateway died: it has `$1` in its environment.
 * It needs /proc and does nothing elsewhere. Two passes, because the first may meet a process while it forks.
 *
 * $1: `NAME=value`, the mark. Only what POSIX names is used; `sleep 0.5` falls back to whole seconds.
 */
export const watchdogScript = `
trap '' HUP INT TERM
groups=' '
while read -r verb group; do
  case $verb in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
    .) exit 0 ;;
  esac
done
if [ "$groups" != ' ' ]; then
  for group in $groups; do kill -TERM "-$group"; done
  sleep 0.5 || sleep 1
  for group in $groups; do kill -KILL "-$group"; done
fi
for pass in 1 2; do
  for file in $(grep -lsF -e "$1" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -KILL "\${pid%/environ}"
  done
done
`
