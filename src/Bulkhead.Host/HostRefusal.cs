using System.ComponentModel;

namespace Bulkhead.Host;

/// <summary>Why the host refused something, and what to do about it.</summary>
public static class HostRefusal
{
    private const int NotPermitted = 1;
    private const int InputOutput = 5;
    private const int Again = 11;
    private const int NoMemory = 12;
    private const int Access = 13;
    private const int TooManyOpenOnHost = 23;
    private const int TooManyOpen = 24;
    private const int TooBig = 27;
    private const int NoSpace = 28;
    private const int NoSuchCall = 38;
    private const int Quota = 122;

    /// <summary>The words for an error number, to end an error's sentence with.</summary>
    public static string Words(int errno) => $"{new Win32Exception(errno).Message} (errno {errno})" + errno switch
    {
        NotPermitted or Access or NoSuchCall => "; a policy of the host forbids it (seccomp, SELinux): allow it for this program.",
        InputOutput => "; the host's kernel log says what is wrong with its storage.",
        TooManyOpen => "; raise the limit of open files (ulimit -n).",
        TooManyOpenOnHost => "; raise the host's limit of open files (fs.file-max).",
        NoMemory => "; ask for less memory, or raise the limits of it (ulimit -v, vm.max_map_count).",
        NoSpace => "; free space there.",
        Quota => "; free space there, or raise the quota.",
        TooBig => "; raise the limit of a file's size (ulimit -f).",
        Again => "; raise the limit of pending signals (ulimit -i).",
        _ => ".",
    };
}
