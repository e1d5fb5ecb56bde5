using Bulkhead.Host.Files;

namespace Bulkhead.Host.Processor;

/// <summary>What a process inherits from whoever starts it, and cannot work with.</summary>
public static unsafe class ProcessStart
{
    private const int GetDescriptorFlags = 1;
    private const int CloseOnExec = 1;
    private const int ErrorDescriptor = 2;
    private const int SignalChild = 17;
    private const int SignalFileSize = 25;
    private const nint ByDefault = 0;
    private const nint Ignored = 1;

    /// <summary>Mends it; before anything is opened or started.</summary>
    /// <remarks>
    /// A descriptor of 0 to 2 that is closed becomes one that has no input and takes no output: else the next file to be opened would get its
    /// number, and what is printed would go there. Ends of child processes are told of again. What is beyond the limit of a file's size
    /// (ulimit -f) is a failed write, as on a full disk, and not the end of the process.
    /// </remarks>
    public static void Settle()
    {
        for (int descriptor = 0; descriptor <= ErrorDescriptor; descriptor++)
        {
            // SAFETY: this call takes no third argument. The lowest number that is free is the one that is given.
            if (FileCalls.LockControl(descriptor, GetDescriptorFlags, null) < 0 && FileCalls.Open("/dev/null", FileCalls.OpenReadOnly, 0) < 0)
            {
                _ = FileCalls.Open("/", FileCalls.OpenReadOnly, 0);
            }
        }

        Set(SignalChild, ByDefault);
        Set(SignalFileSize, Ignored);
    }

    /// <summary>Whether a descriptor is one the process was started with.</summary>
    /// <remarks>Where it was closed, the runtime may have opened a file of its own by that number before any of our code ran.</remarks>
    internal static bool IsInherited(int descriptor)
    {
        // SAFETY: this call takes no third argument.
        int flags = FileCalls.LockControl(descriptor, GetDescriptorFlags, null);
        return flags >= 0 && (flags & CloseOnExec) == 0;
    }

    private static void Set(int signal, nint handler)
    {
        SignalAction action = default;
        action.Handler = handler;

        // SAFETY: the structure has the C library's layout and size, and the handler is none.
        _ = Libc.Sigaction(signal, &action, null);
    }
}
