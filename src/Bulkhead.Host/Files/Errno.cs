namespace Bulkhead.Host.Files;

/// <summary>The error numbers of Linux that file operations tell apart.</summary>
/// <remarks><i>Source</i>: Linux, asm-generic/errno-base.h and errno.h.</remarks>
public static class Errno
{
    /// <summary>No error.</summary>
    public const int None = 0;

    /// <summary>EPERM.</summary>
    public const int NotPermitted = 1;

    /// <summary>ENOENT.</summary>
    public const int NoEntry = 2;

    /// <summary>EINTR.</summary>
    public const int Interrupted = 4;

    /// <summary>EIO.</summary>
    public const int InputOutput = 5;

    /// <summary>EBADF.</summary>
    public const int BadDescriptor = 9;

    /// <summary>EAGAIN.</summary>
    public const int Again = 11;

    /// <summary>ENOMEM.</summary>
    public const int NoMemory = 12;

    /// <summary>EACCES.</summary>
    public const int Access = 13;

    /// <summary>EBUSY.</summary>
    public const int Busy = 16;

    /// <summary>EEXIST.</summary>
    public const int Exists = 17;

    /// <summary>EXDEV.</summary>
    public const int CrossDevice = 18;

    /// <summary>ENODEV.</summary>
    public const int NoDevice = 19;

    /// <summary>ENOTDIR.</summary>
    public const int NotDirectory = 20;

    /// <summary>EISDIR.</summary>
    public const int IsDirectory = 21;

    /// <summary>EINVAL.</summary>
    public const int Invalid = 22;

    /// <summary>ENFILE.</summary>
    public const int TooManyHere = 23;

    /// <summary>EMFILE.</summary>
    public const int TooManyOpen = 24;

    /// <summary>EFBIG.</summary>
    public const int TooBig = 27;

    /// <summary>ENOSPC.</summary>
    public const int NoSpace = 28;

    /// <summary>EROFS.</summary>
    public const int ReadOnlyFileSystem = 30;

    /// <summary>EPIPE.</summary>
    public const int BrokenPipe = 32;

    /// <summary>ERANGE.</summary>
    public const int OutOfRange = 34;

    /// <summary>ENAMETOOLONG.</summary>
    public const int NameTooLong = 36;

    /// <summary>ENOSYS.</summary>
    public const int NoSuchCall = 38;

    /// <summary>ELOOP.</summary>
    public const int Loop = 40;

    /// <summary>ENODATA.</summary>
    public const int NoData = 61;

    /// <summary>EPROTO.</summary>
    public const int Protocol = 71;

    /// <summary>EOPNOTSUPP.</summary>
    public const int NotSupported = 95;

    /// <summary>ESTALE.</summary>
    public const int Stale = 116;

    /// <summary>EDQUOT.</summary>
    public const int Quota = 122;
}
