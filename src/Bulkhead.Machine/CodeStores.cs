using System.IO.Hashing;
using System.Text;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Translator;
using Bulkhead.Translator.Store;
using Bulkhead.X86.Cpuid;

namespace Bulkhead.Machine;

/// <summary>The stores of translations of the domains in this process: one for all that run the same on the same processor.</summary>
/// <remarks>The creator disposes it, after the engines. <i>Threading</i>: any.</remarks>
/// <param name="directory">Where their files lie.</param>
internal sealed class CodeStores(string directory) : IDisposable
{
    /// <summary>What files of guests that are no longer run, or of other builds, may take.</summary>
    private const long MostBytes = 512L << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, CodeStore?> _stores = [];

    /// <summary>Why one of them could not be written, or null.</summary>
    internal string? Trouble
    {
        get
        {
            lock (_lock)
            {
                return _stores.Values.Select(static s => s?.Trouble).FirstOrDefault(static t => t is not null);
            }
        }
    }

    /// <summary>The store for what a domain runs; null where none can be kept.</summary>
    /// <param name="image">The file that what it runs comes from.</param>
    /// <param name="features">Its processor.</param>
    /// <param name="options">Its engine's options.</param>
    internal CodeStore? For(string image, CpuidPolicy features, EngineOptions options)
    {
        string identity = TranslatorEngine.IdentityOf(features, options);
        string name = Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes($"{image}\n{identity}")));
        lock (_lock)
        {
            if (!_stores.TryGetValue(name, out CodeStore? store))
            {
                store = TryOpen(name, identity);
                _stores.Add(name, store);
            }

            return store;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (CodeStore? store in _stores.Values)
        {
            store?.Dispose();
        }
    }

    private CodeStore? TryOpen(string name, string identity)
    {
        string path = Path.Combine(directory, name + ".code");
        try
        {
            if (OperatingSystem.IsLinux() && !Directory.Exists(directory))
            {
                _ = Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // nowhere to keep it: as ever, it is translated
        }

        if (!HostFile.IsOurs(directory))
        {
            return null; // who can write there can have us run what they like
        }

        Touch(path);
        MakeRoom();
        return CodeStore.Open(path, identity, HostRandom.Fill);
    }

    // Those used last stay.
    private static void Touch(string path)
    {
        try
        {
            File.SetLastWriteTimeUtc(path, TimeProvider.System.GetUtcNow().UtcDateTime);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // there is none yet, or it may be read alone
        }
    }

    private void MakeRoom()
    {
        DateTime now = TimeProvider.System.GetUtcNow().UtcDateTime;
        long bytes = 0;
        try
        {
            foreach (FileInfo file in new DirectoryInfo(directory).GetFiles("*.code*").OrderByDescending(static f => f.LastWriteTimeUtc))
            {
                bytes += file.Exists ? file.Length : 0;
                bool leftBehind = file.Extension != ".code" && now - file.LastWriteTimeUtc > TimeSpan.FromHours(1);
                if (leftBehind || bytes > MostBytes)
                {
                    file.Delete();
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // another process was first, or may alone
        }
    }
}
